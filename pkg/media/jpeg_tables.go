package media

// tables are the tables that a picture has defined so far.
type tables struct {
	quantisation uint8        // a bit for each quantisation table
	huffman      [2][4][]byte // by class (0 DC, 1 AC) and destination: 16 counts and the values (T.81, B.2.4.2)
}

// readQuantTables reads the body of DQT (T.81, B.2.4.1): for each table precision, destination, and 64 values of one or two bytes.
func (s *parser) readQuantTables(body []byte) error {
	for len(body) > 0 {
		precision, at := body[0]>>4, body[0]&15
		size := 1 + 64*(1+int(precision))
		if precision > 1 || at > 3 || len(body) < size {
			return s.refuse(Damaged, "quantisation table %02x with %d bytes", body[0], len(body)-1)
		}
		s.tables.quantisation |= 1 << at
		body = body[size:]
	}
	return nil
}

// readHuffmanTables reads the body of DHT (T.81, B.2.4.2).
func (s *parser) readHuffmanTables(body []byte) error {
	for len(body) > 0 {
		if len(body) < 17 || body[0]>>4 > 1 || body[0]&15 > 3 {
			return s.refuse(Damaged, "Huffman table %02x with %d bytes", body[0], len(body)-1)
		}
		// codes is how many bit patterns of the present length are a code or begin with one (T.81, C.2).
		values, codes := 0, 0
		for _, n := range body[1:17] {
			values, codes = values+int(n), min(2*codes+int(n), 1<<20)
		}
		if values > 256 || codes > 1<<16 || len(body) < 17+values {
			return s.refuse(Damaged, "Huffman table %02x has more codes than there are", body[0])
		}
		s.tables.huffman[body[0]>>4][body[0]&15] = body[1 : 17+values]
		body = body[17+values:]
	}
	return nil
}

// insertStandardTables adds the standard tables that the picture does not define, if the first scan needs a table that is missing. UVC
// cameras leave all of them out.
func (s *parser) insertStandardTables(h *scanHeader) {
	if s.tables.hasTablesFor(h) {
		return
	}
	missing := make([][]byte, 0, 4)
	for _, t := range standardHuffmanTables {
		defined := &s.tables.huffman[t[0]>>4][t[0]&15]
		if *defined == nil {
			*defined = t[1:]
			missing = append(missing, t)
		}
	}
	if s.insertedTables = standardDHT; len(missing) < len(standardHuffmanTables) {
		s.insertedTables = dhtSegment(missing...)
	}
	s.stripped.add(s.insertedTables...)
}

// hasTablesFor reports whether all Huffman tables that a scan needs are defined.
func (t *tables) hasTablesFor(h *scanHeader) bool {
	for _, p := range h.all() {
		if h.needsDC() && t.huffman[0][p.dc] == nil || h.needsAC() && t.huffman[1][p.ac] == nil {
			return false
		}
	}
	return true
}
