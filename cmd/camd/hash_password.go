package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"camd/pkg/access"
)

// minPasswordLength is the minimum length of NIST SP 800-63B for passwords that users choose.
const minPasswordLength, maxPasswordLength = 8, 1024

func newHashPasswordCommand() *cobra.Command {
	var role string
	var cameras []string
	cmd := &cobra.Command{
		Use:   "hash-password [NAME]",
		Short: "print a user's line for users_file, with a password hash",
		Long: `Print a user's line for the file that auth.users_file names: NAME:HASH:ROLE:CAMERAS. HASH is the argon2id hash of the password.
On a terminal, camd asks for the password. Otherwise it reads it from standard input. Other users could see a password on the command
line, so there is no option for it. Without NAME, print only the hash, for "hash" in the configuration.

Exit codes: 0 printed, 1 the password cannot be read or is too short or too long, 2 the command line is wrong.`,
		Example: "  camd hash-password anna --role admin >> /etc/camd/users\n  camd hash-password guest --cameras 'front-*,yard' < guest.password >> /etc/camd/users",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := parseUser(args, role, cameras)
			if err != nil {
				return usageError(err)
			}
			password, err := promptPassword(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr())
			if err != nil {
				return failure(err)
			}
			hash := access.HashPassword(password)
			if u.Name == "" {
				fmt.Fprintln(cmd.OutOrStdout(), hash)
				return nil
			}
			if u.Hash, err = access.ParseHash(hash); err != nil {
				return failure(err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), u.FileLine())
			return nil
		},
	}
	cmd.Flags().StringVar(&role, "role", string(access.View), "`ROLE` of the user: view, control, admin or metrics")
	cmd.Flags().StringSliceVar(&cameras, "cameras", nil, "`CAMERAS` that the role is for: ids or patterns, separated by commas (default all)")
	completeRoles(cmd, "role")
	return cmd
}

// parseUser returns the user that a command line describes.
func parseUser(args []string, role string, cameras []string) (u access.User, err error) {
	if u.Role, err = access.ParseRole(role); err != nil {
		return u, fmt.Errorf("--role: %w", err)
	}
	for _, p := range cameras {
		if err := access.CheckPattern(p); err != nil {
			return u, fmt.Errorf("--cameras: %w", err)
		}
	}
	u.Cameras = cameras
	if err := u.Check(); err != nil {
		return u, fmt.Errorf("--cameras: %w", err)
	}
	if len(args) == 0 {
		if role != string(access.View) || len(cameras) > 0 {
			return u, errors.New("--role and --cameras need the name of the user")
		}
		return u, nil
	}
	u.Name = args[0]
	return u, access.CheckName(u.Name)
}

// promptPassword asks twice on a terminal, without showing the input. Without a terminal it reads a line.
func promptPassword(ctx context.Context, in io.Reader, out io.Writer) (string, error) {
	lines := bufio.NewReader(in)
	f, ok := in.(*os.File)
	if !ok {
		return readPassword(lines)
	}
	original, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	if err != nil { // not a terminal
		return readPassword(lines)
	}
	// Echo is off before the question is printed, so input that comes early is not shown either.
	hidden := *original
	hidden.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(int(f.Fd()), unix.TCSETSF, &hidden); err != nil {
		return "", fmt.Errorf("turn off echo: %w", err)
	}
	defer func() { _ = unix.IoctlSetTermios(int(f.Fd()), unix.TCSETSF, original) }()
	first, err := prompt(ctx, lines, out, "Password: ")
	if err != nil {
		return "", err
	}
	again, err := prompt(ctx, lines, out, "Repeat password: ")
	if err == nil && again != first {
		err = errors.New("the two passwords differ")
	}
	return first, err
}

// prompt prints a question and reads the answer, until ctx ends.
func prompt(ctx context.Context, lines *bufio.Reader, out io.Writer, question string) (string, error) {
	fmt.Fprint(out, question)
	defer fmt.Fprintln(out)
	var answer string
	var err error
	read := make(chan struct{})
	go func() { // a read cannot be interrupted: it ends with the process
		defer close(read)
		answer, err = readPassword(lines)
	}()
	select {
	case <-read:
		return answer, err
	case <-ctx.Done():
		return "", errors.New("interrupted")
	}
}

// readPassword reads a line.
func readPassword(lines *bufio.Reader) (string, error) {
	line, err := lines.ReadSlice('\n') // limited by the buffer, which is larger than any valid password
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
	return password, checkPassword(password)
}

func checkPassword(password string) error {
	if n := len([]rune(password)); n < minPasswordLength || len(password) > maxPasswordLength {
		return fmt.Errorf("the password must have %d to %d characters, it has %d", minPasswordLength, maxPasswordLength, n)
	}
	return nil
}

// completeRoles completes a flag with the names of roles in a shell.
func completeRoles(cmd *cobra.Command, flag string) {
	roles := make([]string, len(access.Roles))
	for i, r := range access.Roles {
		roles[i] = string(r)
	}
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(roles, cobra.ShellCompDirectiveNoFileComp))
}
