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

	"camd/pkg/camera"
	"camd/pkg/source/sourceurl"
	"camd/pkg/source/wire"
)

// filePlayer plays a video that has an end at its own rate, and repeats it unless once is set.
type filePlayer struct {
	*ffmpegSource
	pacer    pacer
	once     bool
	reopen   func() (*ffmpegSource, error)
	pictures int // in this pass
	resized  int // skipped in this pass for another size
}

// openFile opens a video file. It first refuses files that are no video, because FFmpeg would show a text file as a picture of its text.
func openFile(ctx context.Context, src sourceurl.Source, start wire.Start, speed float64) (source, error) {
	path, err := filepath.Abs(src.Path) // FFmpeg would read a relative path with a colon as a URL
	if err != nil {
		return nil, err
	}
	open := func() (*ffmpegSource, error) {
		if err := checkFile(path); err != nil {
			return nil, err
		}
		return openFFmpeg(path, "", nil, start)
	}
	f, err := open()
	if errors.Is(err, errOpen) {
		err = newFailure(camera.BadStream, "%s is not a video that OpenCV can read", filepath.Base(path))
	}
	if err != nil {
		return nil, err
	}
	return newPlayer(f, open, start.Once, speed), nil
}

// newPlayer returns the player of an opened video.
func newPlayer(f *ffmpegSource, reopen func() (*ffmpegSource, error), once bool, speed float64) source {
	player := newFilePlayer(f, reopen, once, speed)
	if f.codec != "" {
		return newVideoPlayer(player, speed)
	}
	return player
}

func newFilePlayer(f *ffmpegSource, reopen func() (*ffmpegSource, error), once bool, speed float64) *filePlayer {
	fps := f.found.FPS
	if fps == 0 {
		fps = 25
	}
	return &filePlayer{ffmpegSource: f, reopen: reopen, once: once, pacer: newPacer(fps * speed)}
}

func (c *filePlayer) next(ctx context.Context, m *gocv.Mat) error {
	err := c.ffmpegSource.next(ctx, m)
	for began := time.Now(); isResized(err) && ctx.Err() == nil; c.resized++ {
		if time.Since(began) > c.timeout {
			return c.resizedError()
		}
		err = c.ffmpegSource.next(ctx, m)
	}
	if errors.Is(err, errStreamEnded) {
		err = c.rewind(ctx, m)
	}
	if err != nil {
		return err
	}
	c.pictures++
	return c.pacer.wait(ctx)
}

// maxResizedPerPicture is how many pictures of another size a recording may have for each that is shown. They are skipped at full speed,
// which costs processor time.
const maxResizedPerPicture = 10

// resizedError returns the failure for a recording whose pictures mostly have another size than the first.
func (c *filePlayer) resizedError() error {
	return newFailure(camera.BadStream, "%d pictures have the size of the first, %dx%d, and %d have another size: split the file where the size changes, or convert it to one size",
		c.pictures, c.firstSize.X, c.firstSize.Y, c.resized)
}

// isResized reports whether err says that a picture has another size than the first. Such pictures of a recording are skipped, because it
// would start from its beginning if it were opened again.
func isResized(err error) bool {
	f, ok := errors.AsType[*failure](err)
	return ok && f.reason == camera.Resized
}

// rewind plays the file from its beginning.
func (c *filePlayer) rewind(ctx context.Context, m *gocv.Mat) error {
	if err := c.openAgain(); err != nil {
		return err
	}
	return c.ffmpegSource.next(ctx, m)
}

// openAgain opens the file again, because not every format is seekable. It returns a failure if the file is to be played once.
func (c *filePlayer) openAgain() error {
	if c.once {
		return newFailure(camera.EndOfFile, "the file ended after %d pictures", c.pictures)
	}
	if c.resized > maxResizedPerPicture*c.pictures {
		return c.resizedError()
	}
	f, err := c.reopen()
	if err != nil {
		return err
	}
	if f.found.Passthrough != c.found.Passthrough || f.codec != c.codec {
		f.close()
		return newFailure(camera.Disconnected, "the file has changed")
	}
	c.ffmpegSource.close()
	c.ffmpegSource, c.pictures, c.resized = f, 0, 0
	return nil
}

// checkFile refuses files that cannot be a video.
func checkFile(path string) error {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return newFailure(camera.NoDevice, "%s does not exist: check source", path)
	case errors.Is(err, fs.ErrPermission):
		return newFailure(camera.Permission, "permission denied for %s: check the permissions of the file and its folder", path)
	case err != nil:
		return newFailure(camera.BadStream, "%v", err)
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	switch {
	case errors.Is(err, io.EOF):
		return newFailure(camera.BadStream, "%s is empty", path)
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return newFailure(camera.BadStream, "%v", err) // such as a directory
	}
	kind := http.DetectContentType(head[:n])
	if strings.HasPrefix(kind, "text/") && !isPlaylist(string(head[:n])) {
		kind, _, _ = strings.Cut(kind, ";")
		return newFailure(camera.BadStream, "%s is a text file (%s), not video", path, kind)
	}
	return nil
}

// isPlaylist reports whether FFmpeg reads a text as a description of a video.
func isPlaylist(head string) bool {
	for _, magic := range []string{"#EXTM3U", "v=0", "ffconcat", "<?xml"} {
		if strings.HasPrefix(strings.TrimSpace(head), magic) {
			return true
		}
	}
	return false
}

// pacer waits until each picture of a series is due. Due times count from the first picture, so that delays do not add up.
type pacer struct {
	period time.Duration
	maxLag time.Duration // beyond this delay it restarts from now and does not catch up
	due    time.Time
}

// usualMaxLag is the maxLag of most pacers.
const usualMaxLag = time.Second

func newPacer(fps float64) pacer {
	return pacer{period: camera.FrameInterval(fps), maxLag: usualMaxLag}
}

// wait returns when the next picture is due.
func (p *pacer) wait(ctx context.Context) error {
	now := time.Now()
	if now.Sub(p.due) > p.maxLag {
		p.due = now
	}
	due := p.due
	p.due = p.due.Add(p.period)
	return waitUntil(ctx, due)
}

// waitUntil returns when a time has come.
func waitUntil(ctx context.Context, due time.Time) error {
	delay := time.Until(due)
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
