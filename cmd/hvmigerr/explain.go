package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
)

func (a *app) explainCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "explain [flags] CODE|TEXT|FILE|-",
		Short: "Tell what a code or a message means, without any host",
		Long: `Tells what a code or the message of a failed migration means: its symbol, the
likely causes, and what to check on which host. Nothing goes to the network.

CODE is an HRESULT, a Win32 error, an NTSTATUS, an event or a return value, in
any spelling: 0x8009030E, 2148074254, -2146893042, SEC_E_NO_CREDENTIALS. TEXT is
a message, quoted or not; every code in it is found, also in messages that are
not in English. FILE holds what decode reads, or any other text, such as what
Move-VM printed or an exported event, in UTF-8 or UTF-16; XML is searched as it
is, tags and all, and of JSON the values. With -, or without an argument, stdin
is read.

When it recognises nothing, it says so and exits with 0.`,
		Example: `  hvmigerr explain 0x8009030E
  hvmigerr explain -2146893042
  hvmigerr explain 'Failed to establish a connection (0x8007274D)'
  hvmigerr explain answer.xml`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := applyEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := checkOutput(format); err != nil {
				return err
			}
			return a.explain(cmd.Context(), args, format)
		},
	}
	registerOutput(cmd, &format)
	return cmd
}

// negativeNumbers makes negative numbers that follow the command explain arguments rather than flags: a blank before them, which
// means nothing to explain, keeps pflag away. The flags before the command take no values.
func negativeNumbers(args []string) []string {
	i := slices.IndexFunc(args, func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	if i < 0 || args[i] != "explain" {
		return args
	}
	args = slices.Clone(args)
	for i++; i < len(args) && args[i] != "--"; i++ {
		if arg := args[i]; len(arg) > 1 && arg[0] == '-' && arg[1] >= '0' && arg[1] <= '9' {
			args[i] = " " + arg
		}
	}
	return args
}

// The kinds of input of explain.
const (
	inputCode  = "code"
	inputText  = "text"
	inputFile  = "file"
	inputStdin = "stdin"
)

// A question is what explain was asked.
type question struct {
	kind   string
	source string // of a file its name, or stdin; else empty
	text   string // "" for a code, and where instances told more
	lines  []int  // of each line of text, the line of the file; nil if they are the same
	// instances is how many error instances there were; where they told nothing, the text did.
	instances int
	noFile    bool // text looks like the name of a file, too, and there is none
	answer    *explain.Explanation
}

func (a *app) explain(ctx context.Context, args []string, format string) error {
	q, err := a.question(ctx, args)
	if err != nil {
		return err
	}
	switch {
	case recognised(q.answer):
	case q.noFile:
		a.note("there is no file %s; it was taken for a text", q.text)
	case q.kind != inputCode && strings.TrimSpace(q.text) == "" && q.instances == 0:
		a.note("%s is empty", q.source)
	}
	if format != outputText {
		return a.writeJSON(object{
			{"schema", schema},
			{"command", "explain"},
			{"input", object{{"kind", q.kind}, {"source", nullable(q.source)}, {"instances", q.instances}}},
			{"explanation", explanationObject(q.answer)},
		}, format)
	}
	a.printExplanation(q)
	return nil
}

// question finds out what the arguments are, and answers it.
func (a *app) question(ctx context.Context, args []string) (*question, error) {
	arg := strings.TrimSpace(strings.Join(args, " "))
	switch {
	case len(args) == 0 && isTerminal(a.stdin):
		return nil, &usageError{"CODE, TEXT or FILE is missing"}
	case len(args) == 0 || arg == "-":
		return a.file(ctx, "-")
	case arg == "":
		return nil, &usageError{"CODE, TEXT or FILE is empty"}
	}
	if codes := explain.Parse(arg); len(codes) > 0 {
		return &question{kind: inputCode, answer: explain.Numbers(codes...)}, nil
	}
	q := &question{kind: inputText, text: arg, answer: explain.Text(arg)}
	if len(args) > 1 {
		return q, nil
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && !info.IsDir():
		return a.file(ctx, arg)
	case meansFile(arg):
		if err = errors.Unwrap(err); err == nil {
			err = errors.New("is a directory")
		}
		return nil, &usageError{fmt.Sprintf("FILE: open %s: %v", arg, err)}
	}
	q.noFile = couldMeanFile(arg)
	return q, nil
}

// meansFile tells a word that can only be the name of a file, by how it begins or ends.
func meansFile(arg string) bool {
	if strings.ContainsAny(arg, " \t\r\n") {
		return false
	}
	for _, prefix := range []string{"/", "./", "../", "~/", `.\`, `..\`} {
		if strings.HasPrefix(arg, prefix) {
			return true
		}
	}
	extensions := []string{".xml", ".json", ".jsonl", ".txt", ".log", ".csv", ".evtx", ".html"}
	return len(arg) > 2 && arg[1:3] == `:\` || slices.Contains(extensions, strings.ToLower(filepath.Ext(arg)))
}

// couldMeanFile tells a word with a separator of paths in it. A text without blanks may have one too, and in Japanese or Chinese all
// of it may be one word.
func couldMeanFile(arg string) bool {
	return strings.ContainsAny(arg, `/\`) && !strings.ContainsFunc(arg, func(r rune) bool { return r <= ' ' || r > '~' })
}

// file explains what a file or stdin holds: the error instances in it, or, where there are none that tell anything, its text.
func (a *app) file(ctx context.Context, name string) (*question, error) {
	q := &question{kind: inputFile, source: name}
	if name == "-" {
		q.kind, q.source = inputStdin, "stdin"
	}
	raw, err := a.readInput(ctx, name)
	switch {
	case err != nil:
		return nil, err
	case len(raw) > maxInput:
		return nil, &undecodableError{q.source, tooLong()}
	}
	d := &decoding{source: q.source}
	if err := d.decode(ctx, raw); ctx.Err() != nil {
		return nil, err
	}
	q.instances = len(d.parts)
	if len(d.parts)+len(d.answers) > 0 {
		if q.answer = explain.Diagnosis(d.diagnosis()); recognised(q.answer) {
			return q, nil
		}
	}
	text, problems := toUTF8(raw)
	for _, p := range problems {
		a.warn("%s: %s", q.source, p)
	}
	q.text = string(text)
	if values, lines, ok := jsonText(ctx, text); d.isJSON && ok {
		q.text, q.lines = values, lines
	}
	q.answer = explainFaults(q.text, d.faults)
	return q, ctx.Err()
}

// printExplanation prints all that is known.
func (a *app) printExplanation(q *question) {
	e := q.answer
	p := explainer{out: a.out, full: true, text: q.text, lines: q.lines}
	if e.Headline != nil {
		p.headline(e.Headline, len(e.Findings) == 0)
	}
	for i := range e.Findings {
		if i > 0 || e.Headline != nil {
			a.out.printf("\n")
		}
		p.finding(&e.Findings[i], false)
	}
	switch {
	case !recognised(e):
		a.out.printf("Nothing recognised: no known code and no known message in it.\n")
		p.line("", "A code may be written 0x8009030E, 2148074254 or -2146893042. \"hvmigerr get\" asks a host for every error of a migration.")
	case len(e.Findings) == 0:
		a.out.printf("\n")
		p.line("", "The cause stands in the errors beside it: \"hvmigerr get\" asks the host for all of them.")
	}
	for i, note := range e.Notes {
		if i == 0 {
			a.out.printf("\n")
		}
		p.line("Note: ", note)
	}
}
