package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// maxInput is the longest input of decode, in bytes.
const maxInput = 16 << 20

// An undecodableError says what was found where an error instance was looked for.
type undecodableError struct {
	source string
	found  string
}

func (e *undecodableError) Error() string {
	return fmt.Sprintf("%s holds no error instance that can be read in full: %s", e.source, e.found)
}

func (a *app) decodeCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "decode [flags] [FILE]",
		Short: "Print errors from a file, without any host",
		Long: `Reads what GetError or GetErrorEx answered and prints its errors. FILE may hold
a SOAP answer; CIM-XML instances, one or several; or the JSON that PowerShell's
ConvertTo-Json makes of the result. It may be in UTF-8 or in UTF-16. Without
FILE, or with -, stdin is read. Nothing goes to the network.

Exit 0 when at least one instance could be read in full, 15 when none.`,
		Example: `  hvmigerr decode answer.xml
  hvmigerr decode errors.json   # Invoke-CimMethod … GetErrorEx | ConvertTo-Json`,
		Args: arguments(0, 1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := applyEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := checkOutput(format); err != nil {
				return err
			}
			name := "-"
			if len(args) == 1 {
				name = args[0]
			}
			return a.decode(cmd.Context(), name, format)
		},
	}
	registerOutput(cmd, &format)
	return cmd
}

func (a *app) decode(ctx context.Context, name, format string) error {
	source := name
	if name == "-" {
		source = "stdin"
	}
	raw, err := a.readInput(ctx, name)
	if err != nil {
		return err
	}
	d := &decoding{source: source}
	err = d.decode(ctx, raw)
	for _, w := range d.warnings() {
		if err == nil {
			a.warn("%s: %s", source, w)
		}
	}
	if format != outputText {
		return errors.Join(err, a.writeDecoding(d, format, err))
	}
	a.printDecoding(d)
	return err
}

// readInput reads all of a file or of stdin, within the limit.
func (a *app) readInput(ctx context.Context, name string) ([]byte, error) {
	in := a.stdin
	if name == "-" && isTerminal(in) {
		a.note("reading from the terminal")
	}
	if name != "-" {
		file, err := os.Open(name) //nolint:gosec // the user names the file
		if err != nil {
			return nil, &usageError{"FILE: " + err.Error()}
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	raw, err := await(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(in, maxInput+1)) })
	switch {
	case err != nil:
		return nil, err
	case len(raw) > maxInput:
		return nil, &undecodableError{name, fmt.Sprintf("it is longer than %d MiB", maxInput>>20)}
	}
	return raw, nil
}

// A decoding is what decode made of its input.
type decoding struct {
	source  string
	answers []*invoke.Answer // of the SOAP answers in it
	parts   []invoke.Part
	clean   int      // parts without a problem
	others  []string // what was found beside error instances
	omitted int      // how many more things were found
}

// Bounds on what is kept of an input that holds thousands of pieces.
const (
	maxDocuments = 10_000
	maxOthers    = 100
)

// sourceCIMXML is the source of an instance that did not stand in a SOAP answer.
const sourceCIMXML invoke.Source = "CIM-XML"

// decode reads raw. Its error says what was found, when that was no clean instance.
func (d *decoding) decode(ctx context.Context, raw []byte) error {
	text, err := toUTF8(raw)
	if err != nil {
		return &undecodableError{d.source, err.Error()}
	}
	text = bytes.TrimSpace(text)
	switch {
	case len(text) == 0:
		d.other("it is empty")
	case bytes.IndexByte([]byte(`{["`), text[0]) >= 0:
		d.json(ctx, text)
	default:
		d.documents(ctx, text)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case d.clean > 0:
		return nil
	}
	found := d.warnings()
	if len(found) == 0 {
		found = []string{"nothing"}
	}
	const most = 3
	if more := len(found) - most; more > 0 {
		found = append(found[:most], fmt.Sprintf("and %d more", more))
	}
	return &undecodableError{d.source, strings.Join(found, "; ")}
}

func (d *decoding) other(format string, args ...any) {
	if len(d.others) == maxOthers {
		d.omitted++
		return
	}
	d.others = append(d.others, fmt.Sprintf(format, args...))
}

// warnings says what is not as it should be: the parts that are not clean, and what was no part.
func (d *decoding) warnings() []string {
	var list []string
	for i := range d.parts {
		if de := d.parts[i].DecodeError; de != nil {
			list = append(list, fmt.Sprintf("error %d: %s", i+1, strings.Join(decodeProblems(de), "; ")))
		}
	}
	list = append(list, d.others...)
	if d.omitted > 0 {
		list = append(list, fmt.Sprintf("%d more pieces that are no error instance", d.omitted))
	}
	return list
}

// documents reads XML documents that stand one after another, perhaps with other text between them.
func (d *decoding) documents(ctx context.Context, text []byte) {
	for i, part := range cimerror.Split(text) {
		if i == maxDocuments || ctx.Err() != nil {
			d.other("more than %d documents, of which the rest was left out", maxDocuments)
			return
		}
		switch root := rootName(part); {
		case root == "":
			d.other("text that is no XML: %q", beginning(string(part)))
		case strings.EqualFold(root, "html") || root == "!DOCTYPE":
			d.other("an HTML page or a document with a DOCTYPE")
		case root == "Envelope":
			d.soap(ctx, part)
		default:
			d.instance(part, root)
		}
	}
}

// rootName returns the local name of the first element of a document, "!DOCTYPE" if there is one before it, "" if it
// begins with no markup at all. It only chooses the decoder, which then reads the document.
func rootName(text []byte) string {
	for {
		text = bytes.TrimLeft(text, "\ufeff \t\r\n")
		switch {
		case len(text) == 0 || text[0] != '<':
			return ""
		case bytes.HasPrefix(text, []byte("<?")):
			text = after(text, "?>")
		case bytes.HasPrefix(text, []byte("<!--")):
			text = after(text, "-->")
		case bytes.HasPrefix(text, []byte("<!")):
			return "!DOCTYPE"
		default:
			name := text[1:]
			if end := bytes.IndexAny(name, " \t\r\n/>"); end >= 0 {
				name = name[:end]
			}
			return string(name[bytes.IndexByte(name, ':')+1:])
		}
	}
}

// after returns what follows the first end in text; nothing if there is none.
func after(text []byte, end string) []byte {
	_, rest, _ := bytes.Cut(text, []byte(end))
	return rest
}

// instance reads one CIM-XML document.
func (d *decoding) instance(text []byte, root string) {
	e, err := cimerror.Decode(text)
	de, _ := errors.AsType[*cimerror.DecodeError](err)
	switch {
	case err == nil:
		d.add(sourceCIMXML, cimerror.Result{Error: e})
	case de.Instance != nil && !de.Instance.IsError():
		d.other("an instance of class %q, which is no error", de.Instance.ClassName)
	case de.Instance == nil && !strings.HasPrefix(root, "INSTANCE") && !strings.HasPrefix(root, "VALUE.") &&
		root != "CIM" && !strings.HasPrefix(root, "DECL"):
		d.other("an XML document with the root %q", root)
	default:
		d.add(sourceCIMXML, cimerror.Result{Err: de})
	}
}

func (d *decoding) add(source invoke.Source, r cimerror.Result) {
	d.parts = append(d.parts, invoke.Part{Source: source, Index: len(d.parts), Error: r.Error, DecodeError: r.Err})
	if r.Err == nil {
		d.clean++
	}
}

// soap reads one SOAP answer.
func (d *decoding) soap(ctx context.Context, text []byte) {
	env, err := wsman.DecodeEnvelope(text)
	if fault, ok := errors.AsType[*wsman.Fault](err); ok {
		d.other("the SOAP fault %v", fault)
		return
	}
	if err != nil {
		d.other("a SOAP message that cannot be read: %v", err)
		return
	}
	if len(env.Body) == 0 {
		d.other("a SOAP message without a body, action %q", env.Action)
	}
	for _, i := range env.Body {
		d.output(ctx, i, env.Action)
	}
}

// output reads the output of GetError or GetErrorEx, as package invoke does that asks a host.
func (d *decoding) output(ctx context.Context, i *wsman.Instance, action string) {
	read := invoke.GetErrorEx
	switch strings.TrimSuffix(i.Name, "_OUTPUT") {
	case invoke.MethodGetErrorEx:
	case invoke.MethodGetError:
		read = invoke.GetError
	default:
		d.other("a SOAP message %q with %s, not the output of GetError or GetErrorEx", path.Base(action), contents(i))
		return
	}
	answer, err := read(ctx, recorded{i}, "")
	d.answers = append(d.answers, answer)
	for _, r := range answer.Errors {
		d.add(invoke.Source(answer.Method), r)
	}
	if err != nil {
		d.other("%s: %v", answer.Method, err)
	}
}

// contents names what a message holds: a class, or how many instances an enumeration brought.
func contents(i *wsman.Instance) string {
	for k := range i.Properties {
		if items := &i.Properties[k]; items.Name == "Items" && len(items.Children) > 0 {
			first := &items.Children[0]
			if first.Name == "Item" && len(first.Children) > 0 {
				first = &first.Children[0]
			}
			return fmt.Sprintf("%d of class %q", len(items.Children), first.Name)
		}
	}
	return fmt.Sprintf("%q", i.Name)
}

// recorded answers every call with an output that came long ago.
type recorded struct {
	output *wsman.Instance
}

// Invoke implements [invoke.Invoker].
func (r recorded) Invoke(context.Context, *wsman.InvokeRequest) (*wsman.InvokeResponse, error) {
	return &wsman.InvokeResponse{Output: r.output}, nil
}

// printDecoding prints the errors as get does.
func (a *app) printDecoding(d *decoding) {
	printed := false
	for _, answer := range d.answers {
		if answer.Returned {
			a.out.printf("%s returned %s\n", answer.Method, returnValueText(answer.ReturnValue))
			printed = true
		}
	}
	for i := range d.parts {
		if printed || i > 0 {
			a.out.printf("\n")
		}
		a.printError(i+1, d.parts[i].Error, d.parts[i].DecodeError)
	}
}

// writeDecoding writes the errors as JSON: with jsonl each in a line of its own, and one more when none was clean.
func (a *app) writeDecoding(d *decoding, format string, err error) error {
	head := object{{"schema", schema}, {"command", "decode"}, {"source", d.source}}
	failure := object{{"exit", exitCode(err)}, {"error", newErrorReport(err)}}
	if format == outputJSON {
		all := append(append(head, failure...),
			member{"returnValues", returnValues(d.answers)},
			member{"errors", partObjects(d.parts)},
			member{"notes", append([]string{}, d.others...)},
		)
		return a.writeJSON(all, format)
	}
	for i := range d.parts {
		line := append(slices.Clip(head), partObject(&d.parts[i])...)
		if err := a.writeJSON(line, format); err != nil {
			return err
		}
	}
	if err == nil {
		return nil
	}
	return a.writeJSON(append(head, failure...), format)
}
