package e2e

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const dashboardFile = "../../deploy/grafana/camd.json"

// grafanaDashboard has the fields of Grafana's dashboard that the tests read.
type grafanaDashboard struct {
	SchemaVersion int
	Panels        []grafanaPanel
	Templating    struct{ List []grafanaVariable }
	Annotations   struct{ List []panelTarget }
}

type grafanaPanel struct {
	ID                       int
	Type, Title, Description string
	Datasource               grafanaSource
	GridPos                  struct{ X, Y, W, H int }
	Targets                  []panelTarget
	Transformations          json.RawMessage
}

type panelTarget struct {
	RefID, Expr string
	Datasource  grafanaSource
}

type grafanaVariable struct {
	Name, Type string
	Query      json.RawMessage
	Datasource grafanaSource
}

type grafanaSource struct{ UID string }

func readGrafanaDashboard(t *testing.T) (b grafanaDashboard) {
	t.Helper()
	if err := json.Unmarshal(readFile(t, dashboardFile), &b); err != nil {
		t.Fatalf("%s: %v", dashboardFile, err)
	}
	return b
}

// corePanelKinds are the types of panels that every Grafana has.
var corePanelKinds = []string{"row", "stat", "timeseries", "state-timeline", "table", "heatmap"}

// Grafana ignores mistakes in a dashboard silently, so this test looks for them.
func TestGrafanaDashboardIsValid(t *testing.T) {
	t.Parallel()
	b := readGrafanaDashboard(t)
	if b.SchemaVersion < 38 || len(b.Panels) < 20 {
		t.Fatalf("schema %d with %d panels", b.SchemaVersion, len(b.Panels))
	}
	ids, taken := map[int]string{}, map[[2]int]string{}
	for _, p := range b.Panels {
		if other, twice := ids[p.ID]; twice || p.ID == 0 || p.Title == "" || !slices.Contains(corePanelKinds, p.Type) {
			t.Errorf("panel %d, %q, of type %q: the ID is that of %q", p.ID, p.Title, p.Type, other)
		}
		ids[p.ID] = p.Title
		g := p.GridPos
		if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
			t.Errorf("%q is at %+v", p.Title, g)
		}
		for x := g.X; x < g.X+g.W; x++ {
			for y := g.Y; y < g.Y+g.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%q and %q overlap", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if p.Type != "row" {
			p.check(t)
		}
	}
}

var columnPattern = regexp.MustCompile(`Value #(\w+)`)

// check checks the queries of a panel.
func (g grafanaPanel) check(t *testing.T) {
	t.Helper()
	refs := map[string]bool{}
	for _, q := range g.Targets {
		if refs[q.RefID] || q.RefID == "" || q.Expr == "" || q.Datasource.UID != "${datasource}" {
			t.Errorf("%q has the query %+v", g.Title, q)
		}
		refs[q.RefID] = true
	}
	if len(refs) == 0 || g.Datasource.UID != "${datasource}" {
		t.Errorf("%q has no query, or does not use the chosen data source", g.Title)
	}
	for _, m := range columnPattern.FindAllStringSubmatch(string(g.Transformations), -1) {
		if !refs[m[1]] {
			t.Errorf("%q has a column %q without a query", g.Title, m[0])
		}
	}
}

// Every variable that is used is defined, and every defined one is used.
func TestGrafanaVariablesAreDefinedAndUsed(t *testing.T) {
	t.Parallel()
	b := readGrafanaDashboard(t)
	text, defined := string(readFile(t, dashboardFile)), map[string]bool{}
	for _, v := range b.Templating.List {
		defined[v.Name] = true
		if v.Type == "query" && v.Datasource.UID != "${datasource}" {
			t.Errorf("$%s uses the data source %q", v.Name, v.Datasource.UID)
		}
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\{?(\w+)`).FindAllStringSubmatch(text, -1) {
		if used[m[1]] = true; !defined[m[1]] && !strings.HasPrefix(m[1], "__") {
			t.Errorf("$%s is not defined", m[1])
		}
	}
	for name := range defined {
		if !used[name] {
			t.Errorf("$%s is not used", name)
		}
	}
}

// The provisioning files match the configuration of Prometheus and each other.
func TestGrafanaProvisioningMatchesPrometheus(t *testing.T) {
	t.Parallel()
	var prometheus struct {
		Global struct {
			Interval string `yaml:"scrape_interval"`
		}
	}
	var sources struct {
		Datasources []struct {
			Type, URL string
			JSONData  struct {
				TimeInterval string `yaml:"timeInterval"`
			} `yaml:"jsonData"`
		}
	}
	var boards struct {
		Providers []struct {
			Type    string
			Options struct{ Path string }
		}
	}
	for file, into := range map[string]any{
		"prometheus/prometheus.yml": &prometheus, "grafana/provisioning/datasources/camd.yaml": &sources, "grafana/provisioning/dashboards/camd.yaml": &boards,
	} {
		if err := yaml.Unmarshal(readFile(t, "../../deploy/"+file), into); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
	}
	if len(sources.Datasources) != 1 || sources.Datasources[0].Type != "prometheus" || sources.Datasources[0].JSONData.TimeInterval != prometheus.Global.Interval {
		t.Errorf("%+v, scraped every %s", sources, prometheus.Global.Interval)
	}
	if len(boards.Providers) != 1 || boards.Providers[0].Type != "file" || boards.Providers[0].Options.Path == "" {
		t.Errorf("%+v", boards)
	}
}

// panelQuery is a query of the dashboard, for a Prometheus that scrapes every second. If a panel has several, panel ends with the letter.
type panelQuery struct{ panel, expr string }

var labelValuesPattern = regexp.MustCompile(`label_values\((.*), \w+\)`)

func (g grafanaDashboard) queries(t *testing.T) (all []panelQuery) {
	t.Helper()
	chosen := strings.NewReplacer("$job", "camd", "$instance", ".+", "$camera", ".+", "$__rate_interval", "10s")
	for _, p := range g.Panels {
		for _, q := range p.Targets {
			name := p.Title
			if len(p.Targets) > 1 {
				name += " " + q.RefID
			}
			all = append(all, panelQuery{name, chosen.Replace(q.Expr)})
		}
	}
	for _, v := range g.Templating.List {
		if v.Type != "query" {
			continue
		}
		m := labelValuesPattern.FindStringSubmatch(string(v.Query))
		if m == nil {
			t.Fatalf("$%s has the query %s", v.Name, v.Query)
		}
		all = append(all, panelQuery{"$" + v.Name, chosen.Replace(strings.ReplaceAll(m[1], `\"`, `"`))})
	}
	for _, q := range all {
		if strings.Contains(q.expr, "$") {
			t.Fatalf("%s: %s has an unknown variable", q.panel, q.expr)
		}
	}
	return all
}
