package sbom

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// reviewedLicences are the reviewed licences of modules whose files quote more than one.
var reviewedLicences = map[string]string{
	"github.com/eclipse/paho.golang":                "EPL-2.0 OR BSD-3-Clause", // the user may choose; camd uses BSD-3-Clause
	"kernel.org/pub/linux/libs/security/libcap/psx": "BSD-3-Clause OR GPL-2.0-only",
	"github.com/klauspost/compress":                 "Apache-2.0 AND BSD-3-Clause AND MIT", // Go's own and snappy's code, S2, and the rest
	"go.yaml.in/yaml/v3":                            "MIT AND Apache-2.0",                  // files from libyaml, and the rest
	"go.yaml.in/yaml/v4":                            "MIT AND Apache-2.0",
}

// Permissive lists the licences that only require their text to accompany the program.
var Permissive = []string{"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}

// fileCopyleft has the modules whose licence requires the source of the module's own files, but not of camd. camd does not change those
// files, and the notice says where their source is.
var fileCopyleft = map[string]string{"github.com/hashicorp/golang-lru/v2": "MPL-2.0"}

// minLicenceCover is how much of a licence's file must be text of known licences, in percent. The rest may be a copyright line.
const minLicenceCover = 90

// LicenceFiles returns the files in a module's folder whose text must accompany the module.
func LicenceFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, e := range entries {
		name := strings.ToLower(e.Name())
		named := func(kind string) bool { return strings.HasPrefix(name, kind) }
		if !e.IsDir() && filepath.Ext(name) != ".go" && slices.ContainsFunc([]string{"license", "licence", "copying", "notice", "edl-"}, named) {
			files = append(files, filepath.Join(dir, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no licence file", dir)
	}
	return files, nil
}

// Licence returns the SPDX name of the licence under which camd uses a module. It returns an error if the licence has not
// been reviewed yet.
func (m Module) Licence() (string, error) {
	files, err := LicenceFiles(m.Dir)
	if err != nil {
		return "", err
	}
	if known, ok := reviewedLicences[m.Path]; ok {
		return known, nil
	}
	found, err := detectLicence(files)
	if err != nil {
		return "", fmt.Errorf("%s: %w", m.Path, err)
	}
	return found, nil
}

// detectLicence returns the one licence that files quote.
func detectLicence(files []string) (string, error) {
	var names []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		if strings.HasPrefix(strings.ToLower(filepath.Base(file)), "notice") {
			continue // it names authors; the licence is in another file
		}
		cover := licensecheck.Scan(text)
		if cover.Percent < minLicenceCover {
			return "", fmt.Errorf("only %.0f %% of %s is a known licence", cover.Percent, filepath.Base(file))
		}
		for _, match := range cover.Match {
			names = append(names, match.ID)
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) != 1 {
		return "", fmt.Errorf("its files quote the licences %q; review them, and add the result to reviewedLicences in internal/sbom/licence.go", names)
	}
	return names[0], nil
}

// IsAllowed reports whether a module may be used under its licence: a permissive one, or one for which fileCopyleft says so.
func (m Module) IsAllowed(licence string) bool {
	return IsPermissive(licence) || licence != "" && fileCopyleft[m.Path] == licence
}

// IsPermissive reports whether an SPDX expression can be met with permissive licences alone.
func IsPermissive(expression string) bool {
	for all := range strings.SplitSeq(expression, " AND ") {
		if !slices.ContainsFunc(strings.Split(all, " OR "), func(one string) bool { return slices.Contains(Permissive, one) }) {
			return false
		}
	}
	return true
}
