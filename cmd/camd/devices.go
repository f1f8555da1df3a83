package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"camd/pkg/camera"
	"camd/pkg/source/v4l2"
)

func newDevicesCommand() *cobra.Command {
	var all, asJSON bool
	cmd := &cobra.Command{
		Use:   "devices",
		Short: "list this machine's capture devices",
		Long: `List the V4L2 capture devices: path, stable name, driver, formats, sizes and frame rates. For a device that cannot be used,
print the reason and what to do.

Exit codes: 0 success, even if there is no device; 1 the devices cannot be listed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			devices, err := v4l2.List()
			if err != nil {
				return failure(err)
			}
			if !all {
				devices = slices.DeleteFunc(devices, func(d v4l2.Device) bool { return !d.Capture })
			}
			if asJSON {
				devices = append([]v4l2.Device{}, devices...) // none is [], not null
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(devices)
			}
			printDevices(cmd.OutOrStdout(), devices)
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "also list nodes that deliver no pictures, such as metadata")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printDevices(out io.Writer, devices []v4l2.Device) {
	if len(devices) == 0 {
		fmt.Fprintln(out, "no capture device on this machine")
	}
	for _, d := range devices {
		fmt.Fprintf(out, "%s  %s\n", d.Path, d.Card)
		if d.Stable != "" {
			fmt.Fprintf(out, "    stable name  %s\n", d.Stable)
		}
		fmt.Fprintf(out, "    driver       %s (%s)\n", d.Driver, d.Bus)
		switch {
		case d.Problem != camera.None:
			fmt.Fprintf(out, "    not usable   %s", d.Problem.Text())
			if d.Detail != "" {
				fmt.Fprintf(out, ": %s", d.Detail)
			}
			fmt.Fprintln(out)
		case d.Role != "":
			fmt.Fprintf(out, "    no pictures  %s\n", d.Role)
		default:
			fmt.Fprintln(out, "    usable       yes")
		}
		if d.Remedy != "" {
			fmt.Fprintf(out, "    what to do   %s\n", d.Remedy)
		}
		printFormats(out, d.Formats)
	}
}

func printFormats(out io.Writer, formats []v4l2.Format) {
	for _, f := range formats {
		fmt.Fprintf(out, "    %-12s %s\n", f.Name(), f.Description)
		for _, s := range f.Sizes {
			size := fmt.Sprintf("%dx%d", s.Width, s.Height)
			if s.Range != nil {
				size = fmt.Sprintf("%dx%d to %s", s.Range.MinWidth, s.Range.MinHeight, size)
			}
			fmt.Fprintf(out, "        %-18s %s\n", size, formatRates(s))
		}
	}
}

// formatRates returns the frame rates of a size in one line.
func formatRates(s v4l2.Size) string {
	if len(s.Rates) == 0 {
		return ""
	}
	if s.Between {
		return fmt.Sprintf("%.4g to %.4g fps", s.Rates[len(s.Rates)-1], s.Rates[0])
	}
	var list []string
	for _, r := range s.Rates {
		list = append(list, strconv.FormatFloat(r, 'g', 4, 64))
	}
	return strings.Join(list, ", ") + " fps"
}
