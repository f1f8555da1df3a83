// Command sbom writes two files about the software in camd: the NOTICE, with every licence, and the software bill of materials.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"

	"camd/internal/sbom"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "sbom: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	version := flag.String("version", "development", "the product's `VERSION`")
	root := flag.String("root", "/", "root `FOLDER` of the Debian whose libraries the programs link")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: sbom [-version VERSION] [-root FOLDER] notice|bill PROGRAM...\nRun it in the folder of the repository.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() < 2 {
		flag.Usage()
		os.Exit(2)
	}
	programs, err := sbom.ReadPrograms(flag.Args()[1:]...)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	switch flag.Arg(0) {
	case "notice":
		err = sbom.WriteNotice(out, programs)
	case "bill":
		err = writeBOM(out, *version, *root, programs)
	default:
		err = fmt.Errorf("%q: must be notice or bill", flag.Arg(0))
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

func writeBOM(out *bufio.Writer, version, root string, programs []sbom.Program) error {
	debian, err := sbom.LinkedPackages(root, programs)
	if err != nil {
		return err
	}
	return sbom.WriteBOM(out, sbom.Product{Name: "camd", Version: version, Programs: programs, Debian: debian})
}
