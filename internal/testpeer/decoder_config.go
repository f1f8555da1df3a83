package testpeer

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"
)

// DecoderConfig returns the decoder configuration record of an MP4 file's video: the content of its box avcC or hvcC (ISO/IEC 14496-15).
func DecoderConfig(t testing.TB, path string) []byte {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"avcC", "hvcC"} {
		if at := bytes.Index(file, []byte(name)); at >= 4 {
			return file[at+4 : at-4+int(binary.BigEndian.Uint32(file[at-4:]))]
		}
	}
	t.Fatalf("no avcC or hvcC in %s", path)
	return nil
}
