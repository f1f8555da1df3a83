package media

// Verify decodes the entropy-coded data of a picture and reports damage in it: data that ends early, or codes that its Huffman
// tables do not have. One row of blocks may be missing at the lower edge. The scans that refine a progressive picture are not
// decoded. Verify allocates a few kilobytes. Its error is always a *RefusedError.
func Verify(b []byte, limits Limits) error {
	_, err := scan(b, limits, true)
	return err
}
