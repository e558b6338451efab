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

// An undecodableError says what is wrong with an input.
type undecodableError struct {
	source  string
	problem string
}

func (e *undecodableError) Error() string { return e.source + " " + e.problem }

// noInstance says what was found where an error instance was looked for.
func noInstance(source, found string) error {
	return &undecodableError{source, "holds no error instance that can be read in full: " + found}
}

// tooLong is the problem of an input that is longer than maxInput.
func tooLong() string { return fmt.Sprintf("is longer than %d MiB", maxInput>>20) }

// decodeFlags are the flags of decode.
type decodeFlags struct {
	output    string
	noExplain bool
}

func (a *app) decodeCommand() *cobra.Command {
	var f decodeFlags
	cmd := &cobra.Command{
		Use:   "decode [flags] [FILE]",
		Short: "Print errors from a file, without any host",
		Long: `Reads what GetError or GetErrorEx answered, prints its errors, and says what
they mean. FILE may hold a SOAP answer, or the GetErrorEx_OUTPUT in it; CIM-XML
instances, one or several; or the JSON that PowerShell's ConvertTo-Json makes of
the result. It may be in UTF-8 or in UTF-16. Without FILE, or with -, stdin is
read. Nothing goes to the network.

Exit 0 when at least one instance could be read in full, 15 when none.`,
		Example: `  hvmigerr decode answer.xml
  hvmigerr decode errors.json   # Invoke-CimMethod … GetErrorEx | ConvertTo-Json`,
		Args: arguments(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := applyEnvironment(cmd.Flags()); err != nil {
				return err
			}
			if err := checkOutput(f.output); err != nil {
				return err
			}
			name := "-"
			if len(args) == 1 {
				name = args[0]
			}
			return a.decode(cmd.Context(), name, &f)
		},
	}
	registerNoExplain(cmd, &f.noExplain)
	registerOutput(cmd, &f.output)
	return cmd
}

func (a *app) decode(ctx context.Context, name string, f *decodeFlags) error {
	source := name
	if name == "-" {
		source = "stdin"
	}
	raw, err := a.readInput(ctx, name)
	d := &decoding{source: source}
	switch {
	case len(raw) > maxInput:
		err = noInstance(source, "it "+tooLong())
	case err == nil:
		err = d.decode(ctx, raw)
	default:
		return err
	}
	for _, w := range d.warnings() {
		if err == nil {
			a.warn("%s: %s", source, w)
		}
	}
	if f.output != outputText {
		return errors.Join(err, a.writeDecoding(d, f, err))
	}
	a.printDecoding(d, f)
	return err
}

// readInput reads all of a file or of stdin, but little more than maxInput.
func (a *app) readInput(ctx context.Context, name string) ([]byte, error) {
	if name == "-" && isTerminal(a.stdin) {
		a.note("reading from the terminal")
	}
	return await(ctx, func() ([]byte, error) { // a pipe may keep waiting who opens it, too
		if name == "-" {
			return readBounded(a.stdin)
		}
		file, err := os.Open(name) //nolint:gosec // the user names the file
		if err != nil {
			return nil, &usageError{"FILE: " + err.Error()}
		}
		defer func() { _ = file.Close() }()
		return readBounded(file)
	})
}

// readBounded reads to the end, but little more than maxInput.
func readBounded(in io.Reader) ([]byte, error) {
	var buf bytes.Buffer
	if file, ok := in.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			buf.Grow(int(min(info.Size(), maxInput+1)) + bytes.MinRead) // a buffer that grows takes three times as much
		}
	}
	_, err := buf.ReadFrom(io.LimitReader(in, maxInput+1))
	return buf.Bytes(), err
}

// A decoding is what decode made of its input.
type decoding struct {
	source  string
	answers []*invoke.Answer // what the methods returned, without their errors
	parts   []invoke.Part
	clean   int            // parts without a problem
	faults  []*wsman.Fault // those that others tells, too
	others  []string       // what was found beside error instances
	omitted int            // how many more things were found
	seen    int            // documents, and results in JSON
	cut     bool           // the rest was not read
	isJSON  bool           // from the beginning to the end
	spoiled bool           // characters may have been replaced
}

// Bounds on what is kept of an input that holds thousands of pieces.
const (
	maxDocuments = 10_000
	maxParts     = 10_000
	maxOthers    = 100
)

// sourceCIMXML is the source of an instance that did not stand in a SOAP answer.
const sourceCIMXML invoke.Source = "CIM-XML"

// errSpoiled is the problem of an instance that stood in such JSON.
var errSpoiled = errors.New("the text around it is not UTF-8: characters may be lost")

// decode reads raw. Its error says what was found, when that was no clean instance.
func (d *decoding) decode(ctx context.Context, raw []byte) error {
	text, problems := toUTF8(raw)
	for _, p := range problems {
		d.other("%s", p)
	}
	text = bytes.Trim(text, blank)
	if len(text) == 0 {
		d.other("it is empty")
	}
	d.read(ctx, text)
	switch {
	case ctx.Err() != nil:
		d.parts, d.answers = nil, nil // half an answer is none
		return ctx.Err()
	case d.clean > 0:
		return nil
	}
	found := d.warnings()
	if len(found) == 0 {
		found = []string{"nothing"}
	}
	const most = 3
	if more := d.pieces() - most; more > 0 {
		found = append(found[:most], fmt.Sprintf("and %d more", more))
	}
	if !d.isJSON && wrapped(text) {
		found = append(found, "was it wrapped by a console? ConvertTo-Json keeps it whole")
	}
	return noInstance(d.source, strings.Join(found, "; "))
}

// read reads text as what it seems to be, JSON or XML, and as the other if that brings more: a prompt may stand before JSON,
// and a list on a console looks like it.
func (d *decoding) read(ctx context.Context, text []byte) {
	another := *d
	another.others = slices.Clip(d.others)
	if beginsJSON(text) {
		d.json(ctx, text, true)
		if d.clean > 0 || d.isJSON && d.seen > 0 {
			return
		}
		another.documents(ctx, text)
	} else {
		d.documents(ctx, text)
		line := jsonLine(text)
		if d.clean > 0 || line == nil {
			return
		}
		another.json(ctx, line, false)
	}
	if another.clean > 0 || len(d.parts) == 0 && len(another.parts)+len(another.answers) > 0 {
		*d = another
	}
}

// wrapped tells whether text holds an instance and a tag that goes over several lines. What a console wrapped is not long: only
// the beginning is looked at.
func wrapped(text []byte) bool {
	text = text[:min(len(text), 1<<20)]
	joined := bytes.Map(func(r rune) rune {
		if strings.ContainsRune(blank, r) {
			return -1
		}
		return r
	}, text)
	if !bytes.Contains(joined, []byte("<INSTANCE")) {
		return false
	}
	for line := range bytes.Lines(text) {
		if bytes.HasSuffix(line, []byte("\n")) && bytes.LastIndexByte(line, '<') > bytes.LastIndexByte(line, '>') {
			return true
		}
	}
	return false
}

// quoted returns the beginning of what a peer wrote, in quotes.
func quoted(s string) string { return fmt.Sprintf("%q", beginning(s, maxExcerpt)) }

func (d *decoding) other(format string, args ...any) {
	if len(d.others) == maxOthers {
		d.omitted++
		return
	}
	d.others = append(d.others, beginning(fmt.Sprintf(format, args...), maxLine))
}

// warnings says what is not as it should be: the parts that are not clean, and what was no part.
func (d *decoding) warnings() []string {
	var list []string
	for i := range d.parts {
		if de := d.parts[i].DecodeError; de != nil {
			list = append(list, fmt.Sprintf("message %d: %s", i+1, beginning(strings.Join(decodeProblems(de), "; "), maxLine)))
		}
	}
	return append(list, d.notes()...)
}

// notes says what was found that is no part.
func (d *decoding) notes() []string {
	list := append([]string{}, d.others...)
	if d.omitted > 0 {
		list = append(list, fmt.Sprintf("%d more pieces, which are left out", d.omitted))
	}
	if d.cut {
		list = append(list, fmt.Sprintf("it goes on after %d pieces: the rest was not read", maxDocuments))
	}
	return list
}

// pieces counts everything that warnings are about.
func (d *decoding) pieces() int {
	return len(d.parts) - d.clean + len(d.others) + d.omitted
}

// full tells whether nothing more is to be read.
func (d *decoding) full(ctx context.Context) bool {
	d.cut = d.cut || d.seen >= maxDocuments || len(d.parts) >= maxParts
	return d.cut || ctx.Err() != nil
}

// documents reads XML documents that stand one after another, perhaps with other text between them.
func (d *decoding) documents(ctx context.Context, text []byte) {
	for part := range cimerror.Split(text) {
		if d.full(ctx) {
			return
		}
		d.seen++
		switch root := rootName(part); {
		case root == "":
			d.other("text that is no XML: %s", quoted(string(part)))
		case strings.EqualFold(root, "html") || root == "!DOCTYPE":
			d.other("an HTML page or a document with a DOCTYPE")
		case root == "Envelope":
			d.soap(ctx, part)
		case isMethod(strings.TrimSuffix(root, "_OUTPUT")):
			d.soap(ctx, enveloped(part))
		default:
			d.instance(part, root)
		}
	}
}

func isMethod(name string) bool {
	return name == invoke.MethodGetErrorEx || name == invoke.MethodGetError
}

// enveloped puts a document into a SOAP envelope: winrm invoke and Invoke-WSManAction give the output of a method without one.
func enveloped(text []byte) []byte {
	return slices.Concat([]byte(`<s:Envelope xmlns:s="`+wsman.NamespaceSOAP+`"><s:Body>`), rootElement(text), []byte(`</s:Body></s:Envelope>`))
}

// rootName returns the local name of the first element of a document, "!DOCTYPE" if there is one before it, "" if it
// begins with no markup at all. It only chooses the decoder, which then reads the document.
func rootName(text []byte) string {
	const doctype = "<!DOCTYPE"
	text = rootElement(text)
	switch {
	case len(text) >= len(doctype) && strings.EqualFold(string(text[:len(doctype)]), doctype):
		return "!DOCTYPE"
	case len(text) == 0 || text[0] != '<' || bytes.HasPrefix(text, []byte("<!")):
		return ""
	}
	name := text[1:]
	if end := bytes.IndexAny(name, " \t\r\n/>"); end >= 0 {
		name = name[:end]
	}
	return string(name[bytes.IndexByte(name, ':')+1:])
}

// rootElement returns a document without the declaration, instructions and comments that it begins with.
func rootElement(text []byte) []byte {
	for {
		text = bytes.TrimLeft(text, blank)
		switch {
		case bytes.HasPrefix(text, []byte("<?")):
			text = after(text[len("<?"):], "?>")
		case bytes.HasPrefix(text, []byte("<!--")):
			text = after(text[len("<!--"):], "-->")
		default:
			return text
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
		d.other("an instance of class %s, which is no error", quoted(de.Instance.ClassName))
	case de.Instance == nil && !strings.HasPrefix(root, "INSTANCE") && !strings.HasPrefix(root, "VALUE.") &&
		root != "CIM" && !strings.HasPrefix(root, "DECL"):
		d.other("an XML document with the root %s", quoted(root))
	default:
		d.add(sourceCIMXML, cimerror.Result{Err: de})
	}
}

// add takes one instance, within the bound.
func (d *decoding) add(source invoke.Source, r cimerror.Result) {
	if len(d.parts) == maxParts {
		d.omitted++
		return
	}
	if d.spoiled && r.Error != nil {
		i := r.Error.Instance
		r = cimerror.Result{Err: &cimerror.DecodeError{Raw: i.Raw, Instance: i, Err: errSpoiled}}
	}
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
		if len(d.faults) < maxOthers {
			d.faults = append(d.faults, fault)
		}
		return
	}
	if err != nil {
		d.other("a SOAP message that cannot be read: %v", err)
		return
	}
	if len(env.Body) == 0 {
		d.other("a SOAP message%s without a body", actionName(env.Action))
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
		d.other("a SOAP message%s with %s, not the output of GetError or GetErrorEx", actionName(action), contents(i))
		return
	}
	answer, err := read(ctx, recorded{i}, "")
	d.answers = append(d.answers, &invoke.Answer{Method: answer.Method, Returned: answer.Returned, ReturnValue: answer.ReturnValue})
	for _, r := range answer.Errors {
		d.add(invoke.Source(answer.Method), r)
	}
	if err != nil {
		d.other("%s: %v", answer.Method, err)
	}
}

// actionName returns the last part of an action as a word behind another one, or nothing.
func actionName(action string) string {
	if action == "" {
		return ""
	}
	return " " + quoted(path.Base(action))
}

// contents names what a message holds: a class, or how many instances an enumeration brought.
func contents(i *wsman.Instance) string {
	for k := range i.Properties {
		if items := &i.Properties[k]; items.Name == "Items" && len(items.Children) > 0 {
			first := &items.Children[0]
			if first.Name == "Item" && len(first.Children) > 0 {
				first = &first.Children[0]
			}
			return fmt.Sprintf("%d of class %s", len(items.Children), quoted(first.Name))
		}
	}
	return quoted(i.Name)
}

// recorded answers every call with an output that came long ago.
type recorded struct {
	output *wsman.Instance
}

// Invoke implements [invoke.Invoker].
func (r recorded) Invoke(context.Context, *wsman.InvokeRequest) (*wsman.InvokeResponse, error) {
	return &wsman.InvokeResponse{Output: r.output}, nil
}
