package h26x

import (
	"bytes"
	"slices"
	"time"
)

// addSeveral takes the NAL units of a camera that sends several as one, with start codes between them or in front. It returns false if there
// is no start code, which cannot be part of a NAL unit.
func (t *Track) addSeveral(nalu []byte) (isSeveral bool, err error) {
	i := bytes.Index(nalu, startCode)
	if i < 0 {
		return false, nil
	}
	t.picture.units--
	t.picture.bytes -= len(nalu)
	first, rest := bytes.TrimRight(nalu[:i], "\x00"), nalu[i:]
	if len(first) > 0 {
		if err := t.add(first, false); err != nil {
			return true, err
		}
	}
	units, err := splitAnnexB(nil, rest, t.options.MaxUnits)
	for _, one := range units {
		if err := t.add(one, false); err != nil {
			return true, err
		}
	}
	return true, err
}

// addSet keeps a parameter set.
func (t *Track) addSet(nalu []byte) error {
	if t.picture.sets++; t.picture.sets > maxSets || len(nalu) > maxSetSize {
		return refuse(TooLarge, "%d parameter sets, one of %d bytes", t.picture.sets, len(nalu))
	}
	t.isPending = true
	if t.sets.hasUnit(nalu) {
		return nil
	}
	set, err := t.syntax.parameterSet(nalu)
	if err != nil {
		return refuse(InvalidSet, "NAL unit %02x: %v", nalu[0], err)
	}
	t.sets.put(set)
	t.isChanged = true
	return nil
}

// activate finds the format of the picture. A sequence parameter set comes into force at a keyframe only (H.264, section 7.4.1.2.1), a
// picture parameter set at once.
func (t *Track) activate() error {
	p := &t.picture
	if !p.hasPPS {
		return refuse(InvalidUnit, "no slice header")
	}
	used := t.sets.find(pic, p.pps)
	if used == nil {
		return refuse(NoParameterSet, "picture parameter set %d", p.pps)
	}
	active := t.sets.find(seq, used.refersTo)
	f := t.format
	switch {
	case f != nil && !p.isKey && (active == nil || active.id != f.spsID || !bytes.Equal(active.nalu, f.receivedSPS())):
		return nil // what has changed waits for the keyframe
	case active == nil:
		return refuse(NoParameterSet, "sequence parameter set %d", used.refersTo)
	case f != nil && !t.isChanged && active.id == f.spsID:
		return nil
	}
	t.isChanged = false
	t.clock.declare(active.sps.reorder)
	built := newFormat(t.codec, t.sets.used(*active), *active, t.clock.depth > 0)
	if f == nil || !f.isSame(built) {
		t.format = built
	}
	return nil
}

// finish sets the fields of the access unit.
func (t *Track) finish(pts time.Duration) {
	u, p := &t.unit, &t.picture
	u.Key, u.Leading = p.isKey, p.isLeading
	u.PTS, u.DTS = t.clock.next(pts, p.isKey, p.isB)
	u.Interval = t.clock.interval
	if t.clock.depth > 0 && !t.format.Reordered {
		t.format = t.format.reordered()
	}
	u.Format = t.format
	u.Disposable = !p.isReference && p.layer == u.Format.sps.topLayer
	if u.Key || t.isPending {
		u.NALUs = slices.Insert(u.NALUs, 0, u.Format.ParameterSets...)
		t.isPending = false
	}
	if t.sinceKey++; u.Key || !t.hasFrame {
		t.keyTime = u.PTS
		t.sinceKey = 0
	}
	t.hasFrame = true
}
