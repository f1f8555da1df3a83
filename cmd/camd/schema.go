package main

import (
	"github.com/spf13/cobra"

	"camd/pkg/config"
)

func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "print the JSON Schema of the configuration, for editors",
		Long: `Print the JSON Schema of the configuration file. An editor with the YAML language server completes and checks the keys
if the file begins with "# yaml-language-server: $schema=FILE". The Debian package and the images contain the schema as
` + schemaPath + `.

Exit codes: 0 done, 1 the output cannot be written, 2 the command line is wrong.`,
		Example: "  camd schema > camd.schema.json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := cmd.OutOrStdout().Write(config.EditorSchema()); err != nil {
				return failure(err)
			}
			return nil
		},
	}
}

// schemaPath is where packages install the schema.
const schemaPath = "/usr/share/camd/camd.schema.json"
