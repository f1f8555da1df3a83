package wall

import (
	"strings"
	"testing"
)

func TestDecodesCoversWhatADecoderIncludes(t *testing.T) {
	cases := []struct {
		decodes, codec string // decodes has spaces between
		want           bool
	}{
		{"avc1.640028", "avc1.640028", true},
		{"avc1.640028", "avc1.64001e", true},  // a lower level
		{"avc1.64001E", "avc1.640028", false}, // a higher level
		{"avc1.640028", "avc1.64002A", false},
		{"avc1.640028", "avc1.4D0028", true}, // Main in High
		{"avc1.640028", "avc1.42C01E", true}, // Constrained Baseline in High
		{"avc1.640028", "avc1.42001F", true}, // Baseline in High
		{"avc1.42E01F", "avc1.42001F", true}, // Baseline, whatever its flags
		{"avc1.42E01F", "avc1.4D001F", false},
		{"avc1.4D0028", "avc1.640028", false},
		{"avc1.4D0028", "avc1.580028", false}, // Extended is not in Main
		{"avc1.580028", "avc1.42001E", true},
		{"avc1.6E0028", "avc1.640028", true}, // High in High 10
		{"avc1.640028", "avc1.6E0028", false},
		{"avc1.7A0028", "avc1.6E0028", true},
		{"avc1.F40028", "avc1.2C0028", true},
		{"avc3.640028", "avc1.640028", true},
		{"avc1.640028", "avc3.640028", true},
		{"avc1.42E00A", "avc1.42F00B", false}, // level 1b is above 1
		{"avc1.42F00B", "avc1.42E00A", true},
		{"avc1.42E00B", "avc1.42F00B", true}, // and below 1.1
		{"avc1.42F00B", "avc1.42E00B", false},
		{"avc1.640009", "avc1.64000A", true}, // its form in High
		{"avc1.42E01F avc1.640033", "avc1.640028", true},
		{"avc1.640028", "hvc1.1.6.L93.B0", false},
		{"hvc1.1.6.L93.B0", "avc1.640028", false},
		{"hvc1.1.6.L120.B0", "hvc1.1.6.L93.90", true},
		{"hvc1.1.6.L120.B0", "hvc1.1.6.L120", true},
		{"hvc1.1.6.L93.B0", "hvc1.1.6.L120.B0", false},
		{"hvc1.1.6.L120.B0", "hvc1.1.6.H93.B0", false}, // the high tier has higher bit rates
		{"hvc1.1.6.H120.B0", "hvc1.1.6.L93.B0", true},
		{"hvc1.2.4.L153.B0", "hvc1.1.6.L93.B0", true}, // Main in Main 10
		{"hvc1.2.4.L153.B0", "hvc1.1.2.L93.B0", true}, // and without the flag for it
		{"hvc1.1.6.L153.B0", "hvc1.2.4.L93.B0", false},
		{"hvc1.1.6.L153.B0", "hvc1.3.E.L93.B0", true}, // a still picture says that Main decoders can decode it
		{"hvc1.4.10.L153.9F.8", "hvc1.4.10.L93.9f.8", true},
		{"hvc1.4.10.L153.9F.8", "hvc1.4.10.L93.9E.8", false},
		{"hvc1.4.10.L153.9F.8", "hvc1.1.6.L93.B0", false},
		{"hev1.1.6.L93.B0", "hvc1.1.6.L93.B0", true},
		{"", "avc1.640028", false},
		{"avc1.640028", "", false},
		{"avc1.640028", "jpeg", false},
		{"av01.0.04M.08 vp09.00.10.08 mp4a.40.2 nonsense", "av01.0.04M.08", false}, // ignored
		{"avc1 avc1. avc1.66.30 avc1.64002 avc1.6400288 avc1.zz0028 avc1.990028 avc1.640000", "avc1.42001E", false},
		{"hvc1 hvc1.1 hvc1.1.6 hvc1.1.6.L hvc1.1.6.X93 hvc1.1.6.L0 hvc1.A1.6.L93 hvc1.1.G.L93 hvc1.0.6.L93 hvc1.32.6.L93 hvc1.1.6.L999", "hvc1.1.6.L30.90", false},
	}
	for _, c := range cases {
		d, err := parseDecodes(strings.Fields(c.decodes))
		if err != nil {
			t.Fatalf("%s: %v", c.decodes, err)
		}
		if got := d.covers(c.codec); got != c.want {
			t.Errorf("%q covers %q: %v", c.decodes, c.codec, got)
		}
	}
}

func TestDecodesIsBounded(t *testing.T) {
	if _, err := parseDecodes(make([]string, maxDecodes)); err != nil {
		t.Error(err)
	}
	if d, err := parseDecodes(make([]string, maxDecodes+1)); err == nil || !d.isEmpty() {
		t.Errorf("%v, %v", d, err)
	}
	long := "avc1.640028" + strings.Repeat("0", maxDecodesText)
	if d, err := parseDecodes([]string{"avc1.640028", long}); err == nil || !d.isEmpty() {
		t.Errorf("%v, %v", d, err)
	}
	d, err := parseDecodes([]string{"avc1.640028", "avc3.640028", "av01.0.04M.08"})
	if err != nil || len(d.codecs) != 1 {
		t.Errorf("%v, %v", d, err)
	}
}

// What a decoder covers does not depend on who made the text, and no text makes it panic.
func FuzzCodecs(f *testing.F) {
	for _, s := range []string{"avc1.640028", "hvc1.1.6.L93.B0", "hvc1.4.10.L153.9F.8", "avc1.", "hvc1...."} {
		f.Add(s, "avc1.42E01F")
	}
	f.Fuzz(func(t *testing.T, entry, codec string) {
		d, err := parseDecodes([]string{entry})
		if err != nil {
			return
		}
		if known, ok := parseCodec(entry); ok != !d.isEmpty() || ok && !known.includes(known) {
			t.Errorf("%q: %+v", entry, d)
		}
		d.covers(codec)
	})
}
