package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"camd/internal/configfile"
	"camd/internal/logging"
	"camd/pkg/camera"
	"camd/pkg/config"
	"camd/pkg/source"
	"camd/pkg/source/options"
	"camd/pkg/source/sourceurl"
)

type probeFlags struct {
	user, passwordFile, reader, transport, size, format, snapshot, logLevel, config string
	fps                                                                             float64
	timeout, measure                                                                time.Duration

	caFile, fingerprint, saveCertificate string
	tlsVerify                            bool
	redirectHosts                        []string
}

func newProbeCommand() *cobra.Command {
	var f probeFlags
	cmd := &cobra.Command{
		Use:   "probe SOURCE|CAMERA",
		Short: "open a source and print what it delivers",
		Long: `Open a source. Print its size, frame rate and codec, what camd does with its pictures, and how long the first picture took. For
an https:// or rtsps:// source, first print the certificate of its server and whether it verifies. If it does not, print the line for the
configuration with which camd accepts it.

CAMERA is the id of a camera in the configuration. camd opens its source with the options of the configuration.

While the command runs, every user of this machine can see a password in SOURCE. Use --password-file instead.

Exit codes: 0 the source delivers pictures, 1 it does not, 2 the command line is wrong.`,
		Example: `  camd probe /dev/video0 --snapshot now.jpg
  camd probe front-door
  camd probe rtsp://viewer@10.0.0.7/stream1 --password-file yard.password
  camd probe https://10.0.0.8/stream.mjpg --save-certificate camera.pem
  camd probe 'test://?size=640x480&fps=5'`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := f.configured(cmd, args[0])
			if errors.Is(err, errNoCameraID) {
				o, err = f.options(args[0])
			}
			if err != nil {
				return printConfigError(cmd, err)
			}
			logs, err := logging.New(logging.Options{Level: f.logLevel, Format: "auto", Audit: "off"}, cmd.ErrOrStderr())
			if err != nil {
				return usageError(err)
			}
			o.Log = logs.Log
			if o.WorkerPath, err = source.FindWorker(); err != nil {
				return failure(err)
			}
			if err := f.printCertificate(cmd.Context(), cmd.OutOrStdout(), o); err != nil {
				return failure(err)
			}
			report, err := source.Probe(cmd.Context(), o, f.measure)
			if err != nil {
				return failure(fmt.Errorf("%s: %w", o.Source, err))
			}
			printReport(cmd.OutOrStdout(), o.Source, report)
			return f.saveSnapshot(cmd.OutOrStdout(), report)
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&f.snapshot, "snapshot", "", "write the last picture to `FILE`")
	fl.StringVar(&f.user, "user", "", "user `NAME` for a network camera")
	fl.StringVar(&f.passwordFile, "password-file", "", "`FILE` with the password")
	fl.StringVar(&f.reader, "reader", options.ReaderAuto, "what reads an rtsp:// or http:// source: "+strings.Join(readerNames, ", "))
	fl.StringVar(&f.transport, "transport", "", "tcp or udp, for an rtsp:// source (default tcp)")
	fl.StringVar(&f.caFile, "ca-file", "", "PEM `FILE` with certificates to trust instead of the system's")
	fl.StringVar(&f.fingerprint, "fingerprint", "", "`SHA256` of the certificate to accept, for an https:// or rtsps:// source")
	fl.BoolVar(&f.tlsVerify, "tls-verify", true, "verify the certificate of an https:// or rtsps:// source")
	fl.StringVar(&f.saveCertificate, "save-certificate", "", "write the server's certificate to `FILE`, for ca_file")
	fl.StringSliceVar(&f.redirectHosts, "redirect-hosts", nil, "other `HOSTS` that an http:// source may redirect to")
	fl.StringVar(&f.size, "size", "", "picture size to request from a device: `WIDTHxHEIGHT`")
	fl.Float64Var(&f.fps, "fps", 0, "frame rate to request from a device, or at which to poll an http+poll:// source")
	fl.StringVar(&f.format, "format", "auto", "pixel format to request from a device: "+strings.Join(config.Formats(), ", "))
	fl.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long opening the source may take")
	fl.DurationVar(&f.measure, "measure", 2*time.Second, "how long to measure the frame rate")
	fl.StringVar(&f.logLevel, "log-level", "error", "`LEVEL` of the log: debug, info, warn or error; debug shows what OpenCV and FFmpeg print")
	fl.StringVarP(&f.config, "config", "c", "", "configuration `FILE` that defines CAMERA (default "+configfile.DefaultPath+" if it exists)")
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if cfg, err := configfile.Load(f.config); err == nil && len(args) == 0 {
			return cfg.CameraIDs(), cobra.ShellCompDirectiveDefault
		}
		return nil, cobra.ShellCompDirectiveDefault
	}
	_ = cmd.MarkFlagFilename("config", "yaml", "yml")
	_ = cmd.MarkFlagFilename("password-file")
	_ = cmd.MarkFlagFilename("snapshot", "jpg", "jpeg")
	_ = cmd.MarkFlagFilename("ca-file", "pem", "crt")
	_ = cmd.MarkFlagFilename("save-certificate", "pem")
	return cmd
}

// options turns the flags into a camera's options.
func (p probeFlags) options(arg string) (source.Options, error) {
	src, err := sourceurl.Parse(arg)
	if err != nil {
		return source.Options{}, err
	}
	o := source.Options{Camera: options.Camera{
		ID: "probe", Source: src,
		Capture: options.Capture{Reader: p.reader, Transport: p.transport, Format: p.format, FPS: p.fps, OpenTimeout: p.timeout, RedirectHosts: p.redirectHosts},
	}}
	if p.size != "" {
		if o.Size, err = sourceurl.ParseSize(p.size); err != nil {
			return o, err
		}
	}
	if err := p.check(src.Kind); err != nil {
		return o, err
	}
	if o.TLS, err = p.tlsOptions(src); err != nil {
		return o, err
	}
	if p.user != "" {
		o.Source.User = p.user
	}
	if p.passwordFile != "" {
		if o.Source.Password, err = config.ReadSecret(p.passwordFile); err != nil {
			return o, fmt.Errorf("--password-file: %w", err)
		}
	}
	return o, nil
}

var readerNames = []string{options.ReaderAuto, options.ReaderGo, options.ReaderOpenCV}

var errProbeTimes = errors.New("--timeout and --measure: must be a duration above 0, such as 10s")

// check refuses invalid values, and flags that do not apply to this kind of source.
func (p probeFlags) check(kind sourceurl.Kind) error {
	isNetwork := kind == sourceurl.RTSP || kind == sourceurl.HTTP || kind == sourceurl.Poll
	switch {
	case !slices.Contains(readerNames, p.reader):
		return fmt.Errorf("--reader %q: must be one of %s", p.reader, strings.Join(readerNames, ", "))
	case !slices.Contains([]string{"", "tcp", "udp"}, p.transport):
		return fmt.Errorf("--transport %q: must be tcp or udp", p.transport)
	case !slices.Contains(config.Formats(), p.format):
		return fmt.Errorf("--format %q: must be one of %s", p.format, strings.Join(config.Formats(), ", "))
	case p.fps != 0 && !(p.fps >= sourceurl.MinFPS && p.fps <= sourceurl.MaxFPS):
		return fmt.Errorf("--fps %v: must be a number from %v to %v", p.fps, sourceurl.MinFPS, sourceurl.MaxFPS)
	case p.timeout <= 0 || p.measure <= 0:
		return errProbeTimes
	case kind != sourceurl.Device && (p.size != "" || kind != sourceurl.Poll && p.fps != 0 || p.format != "auto"):
		return errors.New("--size, --fps and --format apply only to a V4L2 device, and --fps also to an http+poll:// source")
	case kind != sourceurl.HTTP && kind != sourceurl.Poll && p.redirectHosts != nil:
		return errors.New("--redirect-hosts applies only to an http:// or https:// source")
	case kind != sourceurl.RTSP && p.transport != "":
		return errors.New("--transport applies only to an rtsp:// source")
	case kind == sourceurl.Poll && p.reader == options.ReaderOpenCV:
		return errors.New("--reader opencv does not apply to an http+poll:// source, because OpenCV cannot poll pictures")
	case !isNetwork && p.reader != options.ReaderAuto:
		return errors.New("--reader applies only to an rtsp:// or http:// source")
	case !isNetwork && (p.user != "" || p.passwordFile != ""):
		return errors.New("--user and --password-file apply only to an rtsp:// or http:// source")
	}
	return nil
}

func printReport(out io.Writer, src sourceurl.Source, r source.ProbeReport) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "source\t%s\n", src)
	fmt.Fprintf(w, "read by\t%s\n", r.Format.Backend)
	fmt.Fprintf(w, "codec\t%s\n", r.Format.Codec)
	fmt.Fprintf(w, "pictures\t%s\n", describePassthrough(r.Format))
	fmt.Fprintf(w, "size\t%dx%d\n", r.Frame.Format.Width, r.Frame.Format.Height)
	if r.Format.FPS > 0 {
		fmt.Fprintf(w, "declared rate\t%.4g fps\n", r.Format.FPS)
	}
	if r.FPS > 0 {
		fmt.Fprintf(w, "measured rate\t%.1f fps, over %d pictures\n", r.FPS, r.Frames)
	}
	fmt.Fprintf(w, "opened after\t%d ms\n", r.OpenTime.Milliseconds())
	fmt.Fprintf(w, "first picture after\t%d ms, %d KB\n", r.FirstFrame.Milliseconds(), (len(r.Frame.Data)+999)/1000)
	if r.Format.Note != "" {
		fmt.Fprintf(w, "note\t%s\n", r.Format.Note)
	}
	_ = w.Flush()
}

// describePassthrough says what camd does with the pictures of a source.
func describePassthrough(f camera.Format) string {
	switch {
	case !f.Passthrough:
		return "decoded and encoded once"
	case f.Codec == "mjpeg":
		return "passed through unchanged"
	}
	return "passed through unchanged as video, decoded only for viewers of JPEG"
}

// saveSnapshot writes the picture to a file if a flag asks for it.
func (p probeFlags) saveSnapshot(out io.Writer, r source.ProbeReport) error {
	if p.snapshot == "" {
		return nil
	}
	if err := os.WriteFile(p.snapshot, r.Frame.Data, 0o644); err != nil {
		var e *os.PathError
		if errors.As(err, &e) {
			err = e.Err
		}
		return failure(fmt.Errorf("write snapshot %s: %w", p.snapshot, err))
	}
	fmt.Fprintf(out, "snapshot written to %s\n", p.snapshot)
	return nil
}
