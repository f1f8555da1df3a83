package h26x

import (
	"bytes"
	"slices"
)

// setKind is a kind of parameter set.
type setKind byte

const (
	vps setKind = iota // video: H.265
	seq
	seqExtension // H.264, auxiliary pictures
	pic
)

// parameterSet is a parameter set with what camd reads of it.
type parameterSet struct {
	kind     setKind
	id       uint32
	refersTo uint32 // pic: the id of its sequence parameter set
	sps      *sps   // seq
	nalu     []byte // a copy
}

// Bounds of what a Track keeps.
const (
	maxSets     = 32
	maxSetBytes = 64 << 10  // all sets together
	maxSetSize  = 1<<16 - 1 // avcC and hvcC have lengths of 16 bits
)

// setStore keeps the newest parameter set of each kind and id.
type setStore struct {
	sets  []parameterSet // in the order in which they arrived first
	bytes int
}

// find returns a set, nil if it has not arrived.
func (s *setStore) find(kind setKind, id uint32) *parameterSet {
	for i := range s.sets {
		if s.sets[i].kind == kind && s.sets[i].id == id {
			return &s.sets[i]
		}
	}
	return nil
}

// hasUnit reports whether a NAL unit is among the sets. Cameras repeat them before every keyframe, so this saves parsing and copying.
func (s *setStore) hasUnit(nalu []byte) bool {
	return slices.ContainsFunc(s.sets, func(set parameterSet) bool { return bytes.Equal(set.nalu, nalu) })
}

// put keeps a set in the place of an older one of the same kind and id. The oldest sets make room if there are too many.
func (s *setStore) put(set parameterSet) {
	s.bytes += len(set.nalu)
	if old := s.find(set.kind, set.id); old != nil {
		s.bytes -= len(old.nalu)
		*old = set
	} else {
		s.sets = append(s.sets, set)
	}
	for len(s.sets) > maxSets || s.bytes > maxSetBytes {
		i := slices.IndexFunc(s.sets, func(old parameterSet) bool { return old.kind != set.kind || old.id != set.id })
		s.bytes -= len(s.sets[i].nalu)
		s.sets = slices.Delete(s.sets, i, i+1)
	}
}

// used returns the NAL units of a sequence parameter set and of the sets that belong to it, in the order VPS, SPS, PPS.
func (s *setStore) used(active parameterSet) (nalus [][]byte) {
	for _, kind := range []setKind{vps, seq, seqExtension, pic} {
		for _, set := range s.sets {
			owner, of := set.id, active.id
			switch kind {
			case vps:
				of = active.sps.vps
			case pic:
				owner = set.refersTo
			}
			if set.kind == kind && owner == of {
				nalus = append(nalus, set.nalu)
			}
		}
	}
	return nalus
}
