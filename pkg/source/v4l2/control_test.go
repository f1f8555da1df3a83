package v4l2

import (
	"encoding/binary"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"camd/pkg/camera"
)

// fakeControls is a driver with controls, in the order of their ids.
type fakeControls struct {
	list      []queryControl
	values    map[uint32]int64
	setErrors map[uint32]error // the errors of setting these
	written   []uint32
	queries   int
	endless   bool
	gone      bool
}

func (f *fakeControls) query(after uint32) (queryControl, error) {
	f.queries++
	if f.endless {
		return queryControl{ID: after + 1}, nil
	}
	if f.gone {
		return queryControl{}, syscall.ENODEV
	}
	for _, q := range f.list {
		if q.ID > after {
			return q, nil
		}
	}
	return queryControl{}, syscall.EINVAL
}

func (f *fakeControls) menuItem(id, index uint32) (menuItem, error) {
	f.queries++
	m := menuItem{}
	if id == idLink {
		binary.NativeEndian.PutUint64(m.Name[:], 1e10*uint64(index))
		return m, nil
	}
	return m, map[bool]error{true: syscall.EINVAL}[index == 2 || copy(m.Name[:], []string{"Disabled", "50 Hz", "", "Auto \x1b[31m"}[index]) > 20]
}

func (f *fakeControls) value(id uint32) (b [8]byte, err error) {
	v, ok := f.values[id]
	if !ok {
		return b, syscall.EACCES
	}
	if id == idWide {
		binary.NativeEndian.PutUint64(b[:], uint64(v))
	} else {
		binary.NativeEndian.PutUint32(b[:], uint32(v))
		b[7] = 0xff // the other half must be ignored
	}
	return b, nil
}

func (f *fakeControls) setValue(id uint32, b [8]byte) error {
	if err := f.setErrors[id]; err != nil {
		return err
	}
	f.written = append(f.written, id)
	if f.values[id] = int64(int32(binary.NativeEndian.Uint32(b[:]))); id == idWide {
		f.values[id] = int64(binary.NativeEndian.Uint64(b[:]))
	}
	return nil
}

const (
	idBrightness = classUser | 0x900
	idHue        = classUser | 0x903
	idButton     = classUser | 0x90d
	idFrequency  = classUser | 0x918
	idWide       = classUser | 0xf002
	idLink       = classCamera | 0x800
	idAuto       = classCamera | 0x901
	idExposure   = classCamera | 0x902
)

func newFakeControls() *fakeControls {
	named := func(q queryControl, name string) queryControl { copy(q.Name[:], name); return q }
	return &fakeControls{
		list: []queryControl{
			named(queryControl{ID: classUser | 1, Type: 6}, "User Controls"),
			named(queryControl{ID: idBrightness, Type: typeInteger, Max: 255, Step: 2, Default: 128}, "Brightness"),
			named(queryControl{ID: idHue, Type: typeInteger, Min: -128, Max: 127, Step: 1, Flags: flagInactive | flagVolatile}, "Hue"),
			named(queryControl{ID: idButton, Type: typeButton, Flags: flagWriteOnly}, "Do  (It)!"),
			named(queryControl{ID: idFrequency, Type: typeMenu, Max: 3}, "Power Line Frequency"),
			named(queryControl{ID: classUser | 0x999, Type: typeInteger, Flags: flagDisabled}, "Off"),
			named(queryControl{ID: idWide, Type: typeInteger64, Min: -1 << 63, Max: 1<<63 - 1, Step: 1}, "Wide"),
			named(queryControl{ID: classUser | 0xf003, Type: 7}, "String"),
			named(queryControl{ID: classUser | 0xf004, Type: 8}, "Bitmask"),
			named(queryControl{ID: classUser | 0xf005, Type: typeInteger, Flags: flagPayload}, "Array"),
			named(queryControl{ID: 0x00990900, Type: typeInteger, Max: 9}, "Codec"),
			named(queryControl{ID: idLink, Type: typeIntegerMenu, Max: 1, Flags: flagReadOnly}, "Link Frequency"),
			named(queryControl{ID: idAuto, Type: typeBoolean, Max: 1, Step: 1, Default: 1}, "Auto Exposure"),
			named(queryControl{ID: idExposure, Type: typeInteger, Min: 1, Max: 5000, Step: 1}, "Exposure"),
			named(queryControl{ID: idExposure + 1, Type: typeInteger, Max: 1}, "brightness"),
		},
		values: map[uint32]int64{
			idBrightness: 100, idHue: -5, idFrequency: 1, idWide: 1 << 40, idLink: 1, idAuto: 1, idExposure: 7,
		},
	}
}

func TestControlsListsUsableControls(t *testing.T) {
	got, err := setControls(newFakeControls(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []camera.Control{
		{Name: "brightness", Title: "Brightness", Kind: camera.Integer, Max: 255, Step: 2, Default: 128, Value: 100, HasValue: true},
		{Name: "hue", Title: "Hue", Kind: camera.Integer, Min: -128, Max: 127, Step: 1, Value: -5, HasValue: true, Inactive: true, Volatile: true},
		{Name: "do_it", Title: "Do  (It)!", Kind: camera.Button},
		{Name: "power_line_frequency", Title: "Power Line Frequency", Kind: camera.Menu, Max: 3, Value: 1, HasValue: true,
			Menu: map[int64]string{0: "Disabled", 1: "50 Hz", 3: "Auto  [31m"}},
		{Name: "wide", Title: "Wide", Kind: camera.Integer, Min: -1 << 63, Max: 1<<63 - 1, Step: 1, Value: 1 << 40, HasValue: true},
		{Name: "link_frequency", Title: "Link Frequency", Kind: camera.IntegerMenu, Max: 1, Value: 1, HasValue: true, ReadOnly: true,
			Menu: map[int64]string{0: "0", 1: "10000000000"}},
		{Name: "auto_exposure", Title: "Auto Exposure", Kind: camera.Boolean, Max: 1, Step: 1, Default: 1, Value: 1, HasValue: true},
		{Name: "exposure", Title: "Exposure", Kind: camera.Integer, Min: 1, Max: 5000, Step: 1, Value: 7, HasValue: true},
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("control %d:\ngot  %+v\nwant %+v", i, got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
		}
	}
}

// Switches are set before the values that depend on them, and buttons last. The result has the values that the device has then.
func TestSetControlsAppliesInOrder(t *testing.T) {
	p := newFakeControls()
	got, err := setControls(p, map[string]camera.Setting{
		"brightness": camera.NumberSetting(-0), "exposure": camera.NumberSetting(300), "auto_exposure": camera.SwitchSetting(false),
		"power_line_frequency": camera.TextSetting("disabled"), "wide": camera.NumberSetting(-1 << 40), "do_it": camera.SwitchSetting(true), "hue": camera.NumberSetting(-128),
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []uint32{idFrequency, idAuto, idBrightness, idHue, idWide, idExposure, idButton}; !slices.Equal(p.written, want) {
		t.Errorf("set %x, want %x", p.written, want)
	}
	values := map[string]int64{}
	for _, c := range got {
		values[c.Name] = c.Value
	}
	want := map[string]int64{"brightness": 0, "hue": -128, "do_it": 0, "power_line_frequency": 0, "wide": -1 << 40,
		"link_frequency": 1, "auto_exposure": 0, "exposure": 300}
	if !maps.Equal(values, want) {
		t.Errorf("got %v, want %v", values, want)
	}
}

func TestSetControlsChecksAllFirst(t *testing.T) {
	for _, c := range []struct {
		name, want string
		to         camera.Setting
	}{
		{"brightness", "brightness must be a whole number from 0 to 255, is 256", camera.NumberSetting(256)},
		{"brightness", "brightness must be a whole number from 0 to 255, is -1", camera.NumberSetting(-1)},
		{"brightness", "brightness must be a whole number from 0 to 255, is true", camera.SwitchSetting(true)},
		{"brightness", `brightness must be a whole number from 0 to 255, is "bright"`, camera.TextSetting("bright")},
		{"auto_exposure", "auto_exposure must be true or false, is 2", camera.NumberSetting(2)},
		{"auto_exposure", `auto_exposure must be true or false, is "off"`, camera.TextSetting("off")},
		{"power_line_frequency", `power_line_frequency must be one of "Disabled" (0), "50 Hz" (1), "Auto  [31m" (3), is 2`, camera.NumberSetting(2)},
		{"power_line_frequency", `is "70 Hz"`, camera.TextSetting("70 Hz")},
		{"power_line_frequency", `is false`, camera.SwitchSetting(false)},
		{"link_frequency", "link_frequency is read-only", camera.NumberSetting(0)},
		{"do_it", "do_it must be true (to press the button), is false", camera.SwitchSetting(false)},
		{"codec", `unknown control "codec": this device has auto_exposure, brightness, do_it, exposure`, camera.NumberSetting(0)},
		{"string", `unknown control "string"`, camera.TextSetting("x")},
	} {
		p := newFakeControls()
		_, err := setControls(p, map[string]camera.Setting{c.name: c.to, "hue": camera.NumberSetting(1), "exposure": camera.NumberSetting(0)})
		var e *camera.ControlError
		if !errors.As(err, &e) || e.Kind != camera.BadSetting || !strings.Contains(e.Detail, c.want) ||
			!strings.Contains(e.Detail, "exposure must be a whole number from 1 to 5000, is 0") {
			t.Errorf("%s = %v: got %v, want %s", c.name, c.to, err, c.want)
		}
		if len(p.written) > 0 {
			t.Errorf("%s = %v: changed %x", c.name, c.to, p.written)
		}
	}
	_, err := setControls(&fakeControls{}, map[string]camera.Setting{"a": camera.NumberSetting(0)})
	if err == nil || err.Error() != `unknown control "a": this device has no controls` {
		t.Errorf("got %v", err)
	}
}

func TestSetControlsRollsBackRefusedChanges(t *testing.T) {
	p := newFakeControls()
	before := maps.Clone(p.values)
	settings := map[string]camera.Setting{"auto_exposure": camera.SwitchSetting(false), "brightness": camera.NumberSetting(9), "hue": camera.NumberSetting(9)}
	p.setErrors = map[uint32]error{idHue: syscall.EIO}
	_, err := setControls(p, settings)
	var e *camera.ControlError
	want := "hue: the device refuses 9 (input/output error): the control is inactive while another one, such as an automatic mode, is on"
	if !errors.As(err, &e) || e.Kind != camera.SettingRefused || e.Detail != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if !maps.Equal(p.values, before) {
		t.Errorf("got %v, want as before %v", p.values, before)
	}
	// When a camera returns, all settings that the device accepts are restored.
	settings["nonsense"] = camera.NumberSetting(1)
	refused := restoreControls(p, settings)
	if len(refused) != 2 || refused["hue"] == nil || refused["nonsense"] == nil {
		t.Errorf("got %v, want hue and nonsense refused", refused)
	}
	if p.values[idAuto] != 0 || p.values[idBrightness] != 9 {
		t.Errorf("got %v", p.values)
	}
}

func TestControlsFailOnMissingDevice(t *testing.T) {
	p := &fakeControls{gone: true}
	const want = "cannot list the controls of the device: no such device"
	if _, err := setControls(p, nil); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if got := restoreControls(p, map[string]camera.Setting{"a": camera.NumberSetting(1)}); got["a"] == nil || got["a"].Error() != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestControlsAreBounded(t *testing.T) {
	p := &fakeControls{endless: true}
	if got, err := listControls(p); len(got) != 0 || err != nil || p.queries > maxQueries {
		t.Errorf("got %d controls, %v, by %d questions", len(got), err, p.queries)
	}
	long := newFakeControls()
	for i := range long.list {
		long.list[i].Type, long.list[i].Max, long.list[i].Flags, long.list[i].ID = typeIntegerMenu, 1<<62, 0, idLink+uint32(i)
	}
	if _, err := listControls(long); err != nil || long.queries > maxMenuItems+len(long.list)+1 {
		t.Errorf("%d queries about menus: %v", long.queries, err)
	}
}

func TestSetControlsFailsWithoutDevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "video0")
	var e *camera.ControlError
	if _, err := SetControls(path, nil); !errors.As(err, &e) || e.Kind != camera.SettingRefused || !strings.Contains(e.Detail, "no such file") {
		t.Errorf("got %v", err)
	}
	if got := RestoreControls(path, map[string]camera.Setting{"a": camera.NumberSetting(1)}); len(got) != 1 {
		t.Errorf("got %v, want a refused", got)
	}
}
