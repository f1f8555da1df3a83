package e2e

import (
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"
)

type rule struct{ Alert, Record, Expr string }

func readRules(t *testing.T) (all []rule) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []rule } }
	if err := yaml.Unmarshal(readFile(t, "../../deploy/prometheus/rules.yml"), &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// selectors matches the metrics in an expression, with their label matchers.
var selectors = regexp.MustCompile(`\b((?:camera:)?camd_[a-z0-9_:]+|process_[a-z_]+|up)(\{[^}]*\})?`)

// The tests of the rules have a case for each alert in which it fires, and one in which it must not.
func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			Cases []struct {
				Alert    string `yaml:"alertname"`
				Expected []any  `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal(readFile(t, "../../deploy/prometheus/rules_test.yml"), &file); err != nil {
		t.Fatal(err)
	}
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, group := range file.Tests {
		for _, c := range group.Cases {
			if len(c.Expected) > 0 {
				fires[c.Alert] = true
			} else {
				silent[c.Alert] = true
			}
		}
	}
	for _, r := range readRules(t) {
		if r.Alert != "" && (!fires[r.Alert] || !silent[r.Alert]) {
			t.Errorf("%s: a case in which it fires: %v, in which it does not: %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
	}
}
