package config

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// unknownKey reports a key that does not belong in a group.
func (d *decoder) unknownKey(group, v *value) {
	key, known := v.key, group.schema.Properties.keys()
	switch {
	case d.isFull(): // the search for similar keys takes time
		d.errorf(key, "")
		return
	case key.Value == "password" && group.name == "users":
		d.errorf(key, "password: must not be in plain text; replace it by hash, which camd hash-password prints")
		return
	case isNull(v.node) && v.node.Line == key.Line && v.node.Column == key.Column+utf8.RuneCountInString(key.Value): // no ":"
		d.errorf(key, `%s must be followed by ": "`, suggestedKey(key.Value, known))
		return
	}
	begin, whole := leadingWord(key.Value)
	shown := truncate(begin)
	if !whole {
		shown += "…"
	}
	if near := cmp.Or(nearestKey(begin, known), keyCompletedFrom(begin, known), keyForWord(begin, known)); near != "" {
		d.errorf(key, "unknown key %q, did you mean %q?", shown, near)
		return
	}
	for _, p := range keyGroups() {
		switch near := cmp.Or(nearestKey(begin, p.keys()), keyForWord(begin, p.keys())); {
		case near == "" || p.schema == group.schema:
		case near == begin:
			d.errorf(key, "unknown key %q here; it belongs %s", shown, p.location)
			return
		default:
			d.errorf(key, "unknown key %q; if you mean %q, it belongs %s", shown, near, p.location)
			return
		}
	}
	d.errorf(key, "unknown key %q; known here: %s", shown, strings.Join(known, ", "))
}

// keyCompletedFrom returns the first key that begins with a word: token_file for token.
func keyCompletedFrom(begin string, known []string) string {
	i := slices.IndexFunc(known, func(k string) bool { return strings.HasPrefix(k, begin+"_") })
	if i < 0 {
		return ""
	}
	return known[i]
}

// wordsForKeys are words of other programs' configurations, with the keys that mean the same here.
var wordsForKeys = map[string]string{
	"url": "source", "uri": "source", "address": "source", "device": "source", "host": "source", "input": "source", "stream": "source",
	"name": "title", "label": "title", "description": "title", "username": "user", "login": "user", "resolution": "size",
	"framerate": "fps", "frame_rate": "fps", "rate": "fps", "cert": "certificate", "private_key": "key",
	"worker_memory": "capture_memory", "worker_max_age": "capture_max_age", "give_up": "retry_for", "addresses": "audit_addresses",
}

// keyForWord returns the known key for a word that other programs use.
func keyForWord(begin string, known []string) string {
	if key := wordsForKeys[strings.ReplaceAll(strings.ToLower(begin), "-", "_")]; slices.Contains(known, key) {
		return key
	}
	return ""
}

// leadingWord returns the beginning of an unknown key. The rest may be a password whose ": " was forgotten.
func leadingWord(key string) (begin string, whole bool) {
	if i := strings.IndexFunc(key, func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }); i >= 0 {
		return key[:i], false
	}
	return key, true
}

// suggestedKey returns the known key that a text begins with, if there is one.
func suggestedKey(text string, known []string) string {
	if begin, _ := leadingWord(text); slices.Contains(known, begin) {
		return "the key " + strconv.Quote(begin)
	}
	return "a key"
}

// keyGroup is a group of keys that schema.json declares.
type keyGroup struct {
	path     string // of keys, with dots; empty for the whole file
	location string // "in", "under" or "at" what the keys stand
	schema   *schema
}

func (g keyGroup) keys() []string { return g.schema.Properties.keys() }

// keyGroups lists all groups, in the order of the schema.
var keyGroups = sync.OnceValue(func() []keyGroup {
	return append([]keyGroup{{"", "at the left edge of the file", declaration()}}, groupsBelow("", declaration())...)
})

func groupsBelow(path string, s *schema) (all []keyGroup) {
	for _, p := range s.Properties {
		g := keyGroup{strings.TrimPrefix(path+"."+p.key, "."), fmt.Sprintf("under %q", p.key), p.schema}
		switch {
		case p.named() != nil && !p.named().isScalar():
			g.location, g.schema = fmt.Sprintf("under a name in %q", p.key), p.named()
		case p.Items != nil && !p.Items.isScalar():
			g.location, g.schema = fmt.Sprintf("in an entry of %q", p.key), p.Items
		case p.Properties == nil:
			continue
		case path != "":
			g.location = fmt.Sprintf("under %q in %q", p.key, path[strings.LastIndexByte(path, '.')+1:])
		}
		all = append(all, g)
		all = append(all, groupsBelow(g.path, g.schema)...)
	}
	return all
}

// nearestKey returns the known key that was most likely meant, or "".
func nearestKey(key string, known []string) string {
	if utf8.RuneCountInString(key) > 40 {
		return ""
	}
	key = strings.ReplaceAll(strings.ToLower(key), "-", "_")
	best, distance := "", 3
	for _, k := range known {
		by := countTypos(strings.ReplaceAll(key, "_", ""), strings.ReplaceAll(k, "_", ""))
		// Two wrong letters of four are another word.
		if by < distance && by*3 <= len(k) {
			best, distance = k, by
		}
	}
	return best
}

// countTypos returns how many letters are wrong, missing or added. Two neighbouring letters in the wrong order count as one.
func countTypos(a, b string) int {
	if i := differsAt(a, b); len(a) == len(b) && i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:] {
		return 1
	}
	return levenshtein.ComputeDistance(a, b)
}

// differsAt returns the index of the first byte in which two texts differ, or the length of the shorter one.
func differsAt(a, b string) int {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return i
}
