package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// run runs the program and returns its exit code. The answer goes to stdout, everything else to stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := newApp(stdin, stdout, stderr)
	root := a.root() //nolint:contextcheck // cobra hands ctx to the commands
	root.SetArgs(negativeNumbers(args))
	root.SetIn(stdin)
	root.SetOut(a.out)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !a.started && !has[*usageError](err) {
		err = &usageError{err.Error()} // cobra's own word about the command line
	}
	err = stopped(ctx, err)
	unwritten := a.out.flush()
	if unwritten != nil {
		unwritten = fmt.Errorf("writing the answer: %w", unwritten)
		if code := exitCode(err); code == exitOK || code == exitMigration {
			err, unwritten = unwritten, nil // an answer that nobody can read is none
		}
	}
	a.report(cmd, err)
	if unwritten != nil && !errors.Is(err, a.out.err) {
		a.note("%v", unwritten)
	}
	return exitCode(err)
}

// report prints the error of cmd, and a hint if there is one that helps.
func (a *app) report(cmd *cobra.Command, err error) {
	if has[*hostsError](err) {
		return // each host and the summary have said it
	}
	switch exitCode(err) {
	case exitOK, exitMigration:
		return
	case exitUsage:
		a.note("%s; see %s -h", message(err), cmd.CommandPath())
		return
	}
	a.note("%s", message(err))
	if h := hint(err); h != "" && !a.advised {
		a.note("hint: %s", h)
	}
}

// root returns the command tree.
func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "hvmigerr",
		Short: "Why did this Hyper-V migration fail?",
		Long: `hvmigerr asks a Hyper-V host over WS-Management for its migration jobs and
prints every error of those that failed: message, code, severity, source, and
what it means. It reads, and never changes anything on the host. A host keeps a
job for five minutes after its end.

HOST is reached over http on port 5985, as Windows' own clients do, with every
message sealed by Kerberos or NTLM; see --auth, --https and --ca-file. A
password comes from --password-file or --password-command, else from
$HVMIGERR_PASSWORD, else from a prompt on the terminal; with a Kerberos ticket
none is needed.

Exit codes: 0 answered, also when migrations failed; 1 anything not below;
2 wrong flags; 3 a migration failed (watch, --exit-status); 4 no such job;
5 still running (watch); 6 some hosts answered, some did not; 10 host not
reached; 11 not authenticated; 12 access denied; 13 another refusal of the host;
14 a quota; 15 an answer that cannot be read; 124 --timeout or --deadline;
130 interrupted; 143 terminated. Of many hosts that did not answer it is the
code that they share, else 1.`,
		Example: `  hvmigerr demo
  hvmigerr get -u 'CORP\hv-reader' hv01.example.com
  hvmigerr explain 0x8009030E`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		// It runs when the command line has been understood.
		PersistentPreRun: func(*cobra.Command, []string) { a.started = true },
		Version:          buildVersion().Version,
	}
	root.Flags().Bool("version", false, "print the version") // cobra's own takes -v, which is --verbose elsewhere
	root.SetVersionTemplate("hvmigerr {{.Version}}\n")
	root.SetUsageFunc(usage)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
			return &usageError{fmt.Sprintf("--%s: invalid value %q%s", e.GetFlag().Name, e.GetValue(), wanted(e.GetFlag()))}
		}
		message, _, _ := strings.Cut(err.Error(), " in -") // what follows repeats the word, which may hold a password
		return &usageError{message + insteadOfPassword(cmd.Flags(), err)}
	})
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	root.AddCommand(
		a.getCommand(), a.jobsCommand(), a.watchCommand(), a.eventsCommand(), a.explainCommand(), a.doctorCommand(), a.identifyCommand(), a.decodeCommand(),
		a.simulateCommand(), a.demoCommand(), a.versionCommand(),
	)
	strict(root)
	return root
}

// strict makes cobra's own commands refuse what they do not know, rather than print help and succeed.
func strict(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		switch cmd.Name() {
		case "completion":
			cmd.Args = unknownCommand
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		case "help":
			cmd.Args = func(_ *cobra.Command, args []string) error {
				found, rest, err := root.Find(args)
				if err != nil {
					return &usageError{err.Error()}
				}
				return unknownCommand(found, rest)
			}
		}
	}
}

// unknownCommand refuses what is no command, and names those that it may have been meant for.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	msg := fmt.Sprintf("unknown command %q", args[0])
	if cmd.SuggestionsMinimumDistance <= 0 {
		cmd.SuggestionsMinimumDistance = 2 // cobra's own default, which it sets too late for us
	}
	if meant := cmd.SuggestionsFor(args[0]); len(meant) > 0 {
		msg += ", did you mean " + strings.Join(meant, " or ")
	}
	return &usageError{msg}
}

// arguments returns a check for the number of arguments, in the words of usage.
func arguments(most int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) > most && most == 0:
			return &usageError{fmt.Sprintf("unexpected argument %q", args[0])}
		case len(args) > most:
			return &usageError{fmt.Sprintf("only one %s is possible, and %q is one too many", what, args[most])}
		}
		return nil
	}
}

// helpWidth is the line length of the help.
const helpWidth = 80

// usage prints how a command is called: like cobra's own, with the flags in groups and lines folded.
func usage(cmd *cobra.Command) error {
	var b strings.Builder
	if !cmd.HasAvailableSubCommands() {
		b.WriteString("Usage:\n  " + cmd.UseLine() + "\n")
	} else {
		b.WriteString("Usage:\n  " + cmd.CommandPath() + " COMMAND [flags]\n\nCommands:\n")
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() || sub.Name() == "help" {
				fmt.Fprintf(&b, "  %-11s %s\n", sub.Name(), sub.Short)
			}
		}
	}
	if cmd.HasExample() {
		b.WriteString("\nExamples:\n" + cmd.Example + "\n")
	}
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	connection := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.SortFlags, connection.SortFlags = false, false
	cmd.Flags().SortFlags = false
	cmd.Flags().VisitAll(func(fl *pflag.Flag) {
		if fl.Annotations[annotationGroup] != nil {
			connection.AddFlag(fl)
			return
		}
		own.AddFlag(fl)
	})
	if own.HasAvailableFlags() {
		b.WriteString("\nFlags:\n" + own.FlagUsagesWrapped(helpWidth))
	}
	if connection.HasAvailableFlags() {
		b.WriteString("\n" + groupConnection + ":\n" + connection.FlagUsagesWrapped(helpWidth))
	}
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "\n%q tells more about a command.\n", cmd.CommandPath()+" COMMAND -h")
	}
	_, err := io.WriteString(cmd.OutOrStderr(), b.String())
	return err
}
