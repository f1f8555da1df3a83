package media

// Verify checks a picture as Normalize does, and also decodes its entropy-coded data. It finds data that ends early, and codes
// that are not in the Huffman tables. One row of blocks may be missing at the lower edge. Verify does not decode the scans that
// refine a progressive picture. It allocates a few kilobytes. Its error is always a *RefusedError.
func Verify(b []byte, limits Limits) error {
	_, err := scan(b, limits, true)
	return err
}
