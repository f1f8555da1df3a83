package h26x

import "encoding/binary"

// SetParameterSets takes parameter sets that arrive out of band: sprop-parameter-sets (RFC 6184, section 8.1) or sprop-vps, sprop-sps and
// sprop-pps (RFC 7798, section 7.1), decoded from base64. Empty ones are left out, because servers send them. In-band sets replace them. Its
// error is always a *RefusedError; the sets before the refused one are kept.
func (t *Track) SetParameterSets(nalus ...[]byte) error {
	t.picture = picture{}
	for _, nalu := range nalus {
		if len(nalu) == 0 {
			continue
		}
		if err := t.add(nalu, true); err != nil {
			return err
		}
	}
	return nil
}

// SetConfig takes the extradata of a container: a record of avcC or hvcC, or an Annex B byte stream. Its error is always a
// *RefusedError.
func (t *Track) SetConfig(b []byte) error {
	if len(b) > 2*maxSetBytes {
		return refuse(TooLarge, "configuration record of %d bytes", len(b))
	}
	if len(b) == 0 {
		return nil
	}
	var units [][]byte
	var err error
	switch {
	case b[0] == 0: // configurationVersion is 1
		units, err = splitAnnexB(nil, b, maxSets)
	case t.codec == H264:
		units, err = readAVCC(b)
	default:
		units, err = readHVCC(b)
	}
	if err != nil {
		return err
	}
	return t.SetParameterSets(units...)
}

// readAVCC returns the parameter sets of AVCDecoderConfigurationRecord (ISO 14496-15, section 5.3.3.1.2).
func readAVCC(b []byte) ([][]byte, error) {
	if len(b) < 7 {
		return nil, refuse(InvalidSet, "avcC of %d bytes", len(b))
	}
	units, b, ok := readSets(nil, b[6:], int(b[5]&0x1F))
	if ok && len(b) > 0 {
		units, _, ok = readSets(units, b[1:], int(b[0]))
	}
	if !ok {
		return nil, refuse(InvalidSet, "avcC ends too early")
	}
	return units, nil
}

// readHVCC returns the parameter sets of HEVCDecoderConfigurationRecord (ISO 14496-15, section 8.3.3.1.2).
func readHVCC(b []byte) (units [][]byte, err error) {
	if len(b) < 23 {
		return nil, refuse(InvalidSet, "hvcC of %d bytes", len(b))
	}
	arrays, b := b[22], b[23:]
	for range arrays {
		ok := len(b) >= 3
		if ok {
			units, b, ok = readSets(units, b[3:], int(binary.BigEndian.Uint16(b[1:])))
		}
		if !ok {
			return nil, refuse(InvalidSet, "hvcC ends too early")
		}
	}
	return units, nil
}

// readSets reads n NAL units with lengths of 2 bytes.
func readSets(units [][]byte, b []byte, n int) (all [][]byte, rest []byte, ok bool) {
	for range n {
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil, nil, false
		}
		end := 2 + int(binary.BigEndian.Uint16(b))
		units, b = append(units, b[2:end]), b[end:]
	}
	return units, b, true
}
