package camera

import "fmt"

// FrameTooLargeDetail returns the detail for a camera whose pictures have size bytes, more than the limit of limits.frame_bytes.
func FrameTooLargeDetail(size, limit int64) string {
	allowed := fmt.Sprintf("%d KiB", limit>>10)
	if limit >= 1<<20 {
		allowed = fmt.Sprintf("%.4g MiB", float64(limit)/(1<<20))
	}
	return fmt.Sprintf("pictures of %.1f MB exceed limits.frame_bytes (%s)", float64(size)/1e6, allowed)
}
