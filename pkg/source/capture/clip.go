package capture

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gocv.io/x/gocv"

	condition "camd/pkg/camera"
	"camd/pkg/source/spec"
	"camd/pkg/source/wire"
)

// clip is a video with an end, played at its own rate and begun again at its end.
type clip struct {
	*ffmpeg
	schedule schedule
	once     bool
	again    func() (*ffmpeg, error)
	pictures int // in this pass
	misfits  int // passed over in this pass
}

// openFile opens a file. What FFmpeg makes of things that are no video is looked at before: it renders text as a picture
// of text.
func openFile(ctx context.Context, src spec.Source, start wire.Start, speed float64) (source, error) {
	path, err := filepath.Abs(src.Path) // a colon in a relative path would make FFmpeg take it for a URL
	if err != nil {
		return nil, err
	}
	open := func() (*ffmpeg, error) {
		if err := examine(path); err != nil {
			return nil, err
		}
		return openFFmpeg(path, "", nil, start)
	}
	f, err := open()
	if errors.Is(err, errOpen) {
		err = fail(condition.BadStream, "%s is no video that OpenCV understands", filepath.Base(path))
	}
	if err != nil {
		return nil, err
	}
	return newClip(f, open, start.Once, speed), nil
}

func newClip(f *ffmpeg, again func() (*ffmpeg, error), once bool, speed float64) *clip {
	fps := f.found.FPS
	if fps == 0 {
		fps = 25
	}
	return &clip{ffmpeg: f, again: again, once: once, schedule: newSchedule(fps * speed)}
}

func (c *clip) next(ctx context.Context, m *gocv.Mat) error {
	err := c.ffmpeg.next(ctx, m)
	for began := time.Now(); misfit(err) && ctx.Err() == nil; c.misfits++ {
		if time.Since(began) > c.timeout {
			return c.unfit()
		}
		err = c.ffmpeg.next(ctx, m)
	}
	if errors.Is(err, errEnd) {
		err = c.rewind(ctx, m)
	}
	if err != nil {
		return err
	}
	c.pictures++
	return c.schedule.wait(ctx)
}

// tolerable is how many pictures of another size there may be for each that is shown: they are decoded as fast as may be.
const tolerable = 10

// unfit is a recording of which next to nothing can be shown.
func (c *clip) unfit() error {
	return fail(condition.BadStream, "%d of its pictures are %dx%d, as the first, and %d are not: cut it where the size changes, or convert it to one size",
		c.pictures, c.size.X, c.size.Y, c.misfits)
}

// misfit tells pictures of another size than the first, which are passed over: a recording opened anew would begin anew, and
// never get past them.
func misfit(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.reason == condition.Resized
}

// rewind begins the clip anew by opening it again: not every format can be sought in.
func (c *clip) rewind(ctx context.Context, m *gocv.Mat) error {
	if c.once {
		return fail(condition.EndOfFile, "played to its end: %d pictures", c.pictures)
	}
	if c.misfits > tolerable*c.pictures {
		return c.unfit()
	}
	f, err := c.again()
	if err != nil {
		return err
	}
	if f.found.Passthrough != c.found.Passthrough {
		f.close()
		return fail(condition.Disconnected, "the file has changed")
	}
	c.ffmpeg.close()
	c.ffmpeg, c.pictures, c.misfits = f, 0, 0
	return c.ffmpeg.next(ctx, m)
}

// examine tells the files that cannot be a video from those that may be.
func examine(path string) error {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fail(condition.NoDevice, "%s does not exist", path)
	case errors.Is(err, fs.ErrPermission):
		return fail(condition.Permission, "no permission to read %s", path)
	case err != nil:
		return fail(condition.BadStream, "%v", err)
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	switch {
	case errors.Is(err, io.EOF):
		return fail(condition.BadStream, "%s is empty", path)
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return fail(condition.BadStream, "%v", err) // such as a directory
	}
	kind := http.DetectContentType(head[:n])
	if strings.HasPrefix(kind, "text/") && !isPlaylist(string(head[:n])) {
		kind, _, _ = strings.Cut(kind, ";")
		return fail(condition.BadStream, "%s is a text file (%s), not video", path, kind)
	}
	return nil
}

// isPlaylist tells the texts that FFmpeg reads as descriptions of a video.
func isPlaylist(head string) bool {
	for _, magic := range []string{"#EXTM3U", "v=0", "ffconcat", "<?xml"} {
		if strings.HasPrefix(strings.TrimSpace(head), magic) {
			return true
		}
	}
	return false
}

// schedule says when each picture of a series is due, from the first one on, so that no delay adds up.
type schedule struct {
	period time.Duration
	late   time.Duration // how far behind it may fall before it begins anew rather than catch up
	due    time.Time
}

func newSchedule(fps float64) schedule {
	return schedule{period: interval(fps), late: time.Second}
}

// interval is the time between two pictures, a day at most: a rate may be so low that it would not fit into a Duration.
func interval(fps float64) time.Duration {
	return time.Duration(min(float64(time.Second)/fps, float64(24*time.Hour)))
}

// wait returns when the next picture is due.
func (s *schedule) wait(ctx context.Context) error {
	now := time.Now()
	if now.Sub(s.due) > s.late {
		s.due = now
	}
	delay := s.due.Sub(now)
	s.due = s.due.Add(s.period)
	if delay <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
