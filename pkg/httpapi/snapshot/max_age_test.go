package snapshot

import "testing"

// An accepted age is not negative, and its own text gives the same age.
func FuzzMaxAge(f *testing.F) {
	for _, value := range []string{
		"", "500ms", "0.5", "-1s", "1e300", "+Inf", "NaN", "-0", "2562047h47m16.854775807s", "9223372036854775807ns", "1h",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		age, err := parseAge(value)
		if err != nil {
			return
		}
		if again, err := parseAge(age.String()); age < 0 || err != nil || again != age {
			t.Errorf("max_age=%q is %v, which is read as %v, %v", value, age, again, err)
		}
	})
}
