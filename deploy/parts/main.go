// Command parts writes what camd is built from: the NOTICE, with every licence, and the software bill of materials.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"

	"camd/internal/parts"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "parts: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	version := flag.String("version", "development", "the product's `VERSION`")
	root := flag.String("root", "/", "`FOLDER` of the Debian whose libraries are linked")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: parts [-version VERSION] [-root FOLDER] notice|bill PROGRAM...   in the repository's folder")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() < 2 {
		flag.Usage()
		os.Exit(2)
	}
	programs, err := parts.Read(flag.Args()[1:]...)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	switch flag.Arg(0) {
	case "notice":
		err = parts.Notice(out, programs)
	case "bill":
		err = bill(out, *version, *root, programs)
	default:
		err = fmt.Errorf("%q is neither notice nor bill", flag.Arg(0))
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

func bill(out *bufio.Writer, version, root string, programs []parts.Program) error {
	debian, err := parts.Linked(root, programs)
	if err != nil {
		return err
	}
	return parts.Bill(out, parts.Product{Name: "camd", Version: version, Programs: programs, Debian: debian})
}
