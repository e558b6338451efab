// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hvmigerr/hvmigerr/testdata"
)

// utf16Of encodes s, with a byte order mark if mark is set.
func utf16Of(s string, order binary.AppendByteOrder, mark bool) []byte {
	if mark {
		s = "\ufeff" + s
	}
	var b []byte
	for _, unit := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, unit)
	}
	return b
}

// utf16Command writes a file of a script anew, as PowerShell does: utf16 [-be] [-nobom] FROM TO.
func utf16Command(ts *testscript.TestScript, neg bool, args []string) {
	var order binary.AppendByteOrder = binary.LittleEndian
	mark := true
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		switch args[0] {
		case "-be":
			order = binary.BigEndian
		case "-nobom":
			mark = false
		}
		args = args[1:]
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: utf16 [-be] [-nobom] FROM TO")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), utf16Of(ts.ReadFile(args[0]), order, mark), 0o600))
}

func TestToUTF8(t *testing.T) {
	t.Parallel()
	const text = "<a>\r\nÄ仮😀</a>"
	for _, tt := range []struct {
		name    string
		in      []byte
		want    string
		problem string
	}{
		{name: "UTF-8", in: []byte(text), want: text},
		{name: "UTF-8 with a mark", in: []byte("\ufeff" + text), want: text},
		{name: "UTF-16LE", in: utf16Of(text, binary.LittleEndian, true), want: text},
		{name: "UTF-16BE", in: utf16Of(text, binary.BigEndian, true), want: text},
		{name: "UTF-16LE without a mark", in: utf16Of(text, binary.LittleEndian, false), want: text},
		{name: "UTF-16BE without a mark", in: utf16Of(text, binary.BigEndian, false), want: text},
		{name: "empty", in: nil, want: ""},
		{name: "one byte", in: []byte("<"), want: "<"},
		{name: "U+FFFD", in: utf16Of("<\ufffd", binary.LittleEndian, true), want: "<\ufffd"},
		{name: "half a surrogate", in: []byte{'<', 0, 0, 0xd8, 0xfd, 0xff}, want: "<\ufffd\ufffd", problem: "halves of characters in UTF-16, shown as U+FFFD: 1"},
		{name: "half a character", in: []byte{'<', 0, 'a'}, want: "<", problem: "text in UTF-16 that ends within a character"},
		{name: "ANSI", in: []byte("<\xc4>"), want: "<\xc4>", problem: "neither UTF-8 nor UTF-16; an ANSI code page? save it as UTF-8"},
	} {
		got, problems := toUTF8(tt.in)
		if string(got) != tt.want || strings.Join(problems, "; ") != tt.problem {
			t.Errorf("%s: toUTF8(%q) = %q, %q; want %q, %q", tt.name, tt.in, got, problems, tt.want, tt.problem)
		}
	}
}

const instance = `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="Message" TYPE="string"><VALUE>m</VALUE></PROPERTY></INSTANCE>`

func TestDecoding(t *testing.T) {
	t.Parallel()
	body := exchange(t, "geterrorex_three")
	body = body[strings.Index(body, "<p:GetErrorEx_OUTPUT"):strings.Index(body, "</s:Body>")]
	quoted := `"` + strings.ReplaceAll(instance, `"`, `\"`) + `"`
	for _, tt := range []struct {
		name  string
		in    string
		parts int
		clean int
		err   string
	}{
		{name: "one", in: instance, parts: 1, clean: 1},
		{name: "two", in: instance + instance, parts: 2, clean: 2},
		{name: "two lines with declarations", in: `<?xml version="1.0"?>` + instance + "\r\n<?xml version=\"1.0\" encoding=\"utf-16\"?>\r\n" + instance + "\n", parts: 2, clean: 2},
		{name: "as a console prints a list", in: "Errors : {" + instance + ", " + instance + "}", parts: 2, clean: 2},
		{name: "JSON text", in: quoted, parts: 1, clean: 1},
		{name: "JSON unicode escapes", in: strings.NewReplacer("<", `\u003c`, ">", `\u003e`).Replace(quoted), parts: 1, clean: 1},
		{name: "JSON list", in: "[" + quoted + "," + quoted + "]", parts: 2, clean: 2},
		{name: "JSON object", in: `{"Errors":[` + quoted + `],"ReturnValue":0,"PSComputerName":null}`, parts: 1, clean: 1},
		{name: "JSON of GetError", in: `{"ReturnValue":0,"Error":` + quoted + `}`, parts: 1, clean: 1},
		{name: "JSON of Windows PowerShell", in: `{"value":[` + quoted + `,` + quoted + `],"Count":2}`, parts: 2, clean: 2},
		{name: "JSON list of objects", in: `[{"errors":[` + quoted + `]},{"Other":` + quoted + `}]`, parts: 2, clean: 2},
		{name: "JSON lines", in: quoted + "\n" + quoted, parts: 2, clean: 2},
		{name: "one bad among good", in: instance + "<INSTANCE", parts: 2, clean: 1},
		{name: "JSON with one bad", in: "[" + quoted + `,"<INSTANCE CLASSNAME=\"Msvm_Error\"><PROPERTY"]`, parts: 2, clean: 1},
		{name: "JSON behind a prompt", in: "PS C:\\> $r | ConvertTo-Json\r\n{\"Errors\": [" + quoted + "]}", parts: 1, clean: 1},
		{name: "JSON behind a remote prompt", in: "[HV01]: PS C:\\> $r | ConvertTo-Json\r\n{\"Errors\": [" + quoted + "]}", parts: 1, clean: 1},
		{name: "JSON in Markdown", in: "```json\n  [" + quoted + "]\n```", parts: 1, clean: 1},
		{name: "JSON behind a message", in: "VERBOSE: x\n" + quoted + "\n" + quoted, parts: 2, clean: 2},
		{name: "JSON with a line between", in: quoted + "\nx\n" + quoted, parts: 2, clean: 2},
		{name: "JSON with marks between", in: quoted + "\n\ufeff" + quoted + "\ufeff\n", parts: 2, clean: 2},
		{name: "a list on a console", in: "{" + instance + ", " + instance + "}", parts: 2, clean: 2},
		{name: "in quotes that are not JSON", in: `"` + instance + `"`, parts: 1, clean: 1},
		{name: "output alone", in: body, parts: 3, clean: 3},
		{name: "output alone with a declaration", in: "\ufeff<?xml version=\"1.0\" encoding=\"utf-16\"?><!-- x -->\r\n" + body, parts: 3, clean: 3},
		{name: "output alone, twice", in: body + body, parts: 6, clean: 6},
		{name: "output alone, cut off", in: body[:len(body)/2], err: "a SOAP message that cannot be read"},

		{name: "empty", in: "", err: "it is empty"},
		{name: "blank", in: "\ufeff \r\n", err: "it is empty"},
		{name: "prose", in: "Move-VM : it failed", err: `no XML: "Move-VM : it failed"`},
		{name: "HTML", in: "<!DOCTYPE html><html><body>x</body></html>", err: "HTML"},
		{name: "HTML without DOCTYPE", in: "<html><body>x</body></html>", err: "HTML"},
		{name: "another document", in: "<Objs Version=\"1.1.0.1\"/>", err: `root "Objs"`},
		{name: "another class", in: `<INSTANCE CLASSNAME="Msvm_ComputerSystem"></INSTANCE>`, err: `class "Msvm_ComputerSystem"`},
		{name: "bad value", in: `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="ErrorType" TYPE="uint16"><VALUE>x</VALUE></PROPERTY></INSTANCE>`, parts: 1, err: "ErrorType"},
		{name: "cut off", in: instance[:40], parts: 1, err: "message 1: CIM-XML"},
		{name: "a DTD", in: `<!DOCTYPE x [<!ENTITY e "e">]>` + instance, err: "DOCTYPE"},
		{name: "JSON without", in: `{"Name":"x","Items":[1,true,null]}`, err: "JSON without"},
		{name: "JSON null", in: `{"Errors":null}`, err: "JSON without"},
		{name: "JSON of other text", in: `["x"]`, err: `no XML: "x"`},
		{name: "JSON cut off", in: `{"Errors":[` + quoted, parts: 1, clean: 1},
		{name: "JSON malformed", in: `{"Errors":}`, err: "JSON that cannot be read"},
		{name: "JSON too deep", in: strings.Repeat("[", 1_000_000), err: "deeper than 64"},
		{name: "JSON of a refusal", in: `{"Errors":null,"ReturnValue":32775}`, err: "GetErrorEx returned 32775 (Invalid state for this operation)"},
		{name: "JSON of a refusal by GetError", in: `{"error":null,"returnvalue":6}`, err: "GetError returned 6 (Access Denied)"},
		{name: "JSON of no error", in: `[{"Errors":null,"ReturnValue":0}]`, err: "GetErrorEx: the job has no error"},
		{name: "JSON of a refusal behind a prompt", in: "PS> x\n" + `{"Errors":null,"ReturnValue":32775}`, err: "GetErrorEx returned 32775"},
		{name: "JSON in ANSI", in: `{"Errors":[` + strings.Replace(quoted, ">m<", ">\xe4<", 1) + `]}`, parts: 1, err: "an ANSI code page? save it as UTF-8"},
		{name: "CIM-XML in ANSI", in: strings.Replace(instance, ">m<", ">\xe4<", 1), parts: 1, err: "an ANSI code page? save it as UTF-8"},
		{name: "wrapped by a console", in: "Errors : {<INSTANCE CLASSNAME=\"Msvm_Er\r\n          ror\"><PROPE\r\n          RTY NAME=\"x\"", parts: 1, err: "wrapped by a console?"},
		{name: "wrapped where it begins", in: "Errors : {<INSTA\n          NCE CLASSNAME=\"Msvm_Error\">", err: "wrapped by a console?"},
		{name: "CDATA", in: "<![CDATA[x]]>", err: `no XML: "<![CDATA[x]]>"`},
		{name: "a long name", in: "<" + strings.Repeat("x", 5000) + "/>", err: strings.Repeat("x", maxExcerpt) + ` ..."`},
		{name: "a long class", in: `<INSTANCE CLASSNAME="` + strings.Repeat("x", 5000) + `"/>`, err: strings.Repeat("x", maxExcerpt) + ` ...", which`},
		{name: "many things", in: strings.Repeat("<a/>", 500), err: "; and 497 more"},
		{name: "a message without an action", in: `<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body><x/></Body></Envelope>`, err: `a SOAP message with "x"`},
		{name: "a message without a body", in: `<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body/></Envelope>`, err: `a SOAP message without a body`},
		{name: "a fault", in: exchange(t, "fault_access_denied"), err: "SOAP fault wsman:AccessDenied"},
		{name: "an instance", in: exchange(t, "get_failed_job"), err: `"Msvm_MigrationJob"`},
		{name: "a page", in: exchange(t, "enumerate_optimized"), err: `of class "Msvm_MigrationJob"`},
		{name: "NULL", in: exchange(t, "geterrorex_null"), err: "no error instance"},
		{name: "return value", in: exchange(t, "geterror_returnvalue"), err: "32775"},
		{name: "three", in: exchange(t, "geterrorex_three"), parts: 3, clean: 3},
		{name: "one bad of three", in: exchange(t, "geterrorex_one_bad"), parts: 3, clean: 2},
		{name: "another server", in: exchange(t, "geterrorex_other_server"), parts: 1, clean: 1},
		{name: "two answers", in: exchange(t, "geterrorex_three") + "\n" + exchange(t, "geterror_failed"), parts: 4, clean: 4},
		{name: "an answer that declares UTF-16", in: `<?xml version="1.0" encoding="utf-16"?>` + exchange(t, "geterror_failed"), parts: 1, clean: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := &decoding{source: "in"}
			err := d.decode(t.Context(), []byte(tt.in))
			if len(d.parts) != tt.parts || d.clean != tt.clean {
				t.Errorf("%d parts, %d clean; want %d, %d (%v)", len(d.parts), d.clean, tt.parts, tt.clean, err)
			}
			if (err == nil) != (tt.err == "") || err != nil && (!strings.Contains(err.Error(), tt.err) || exitCode(err) != exitUndecodable) {
				t.Errorf("decode: %v, want %q", err, tt.err)
			}
		})
	}
}

// TestDecodingBounds: an input of a million pieces is decoded in part, with short warnings.
func TestDecodingBounds(t *testing.T) {
	t.Parallel()
	d := &decoding{source: "in"}
	if err := d.decode(t.Context(), []byte(instance+strings.Repeat("x<y/>", 100_000))); err != nil {
		t.Fatal(err)
	}
	if n := len(d.warnings()); n > maxOthers+2 {
		t.Errorf("%d warnings", n)
	}
}

// TestDecodingKeepsFew: however many pieces an input holds, and in whatever form, decode keeps a bounded number of them.
func TestDecodingKeepsFew(t *testing.T) {
	t.Parallel()
	answer := `<GetErrorEx_OUTPUT>` + strings.Repeat("<Errors>x</Errors>", 20_000) + `<ReturnValue>0</ReturnValue></GetErrorEx_OUTPUT>`
	list := func(item string) string { return "[" + strings.Repeat(item+",", 20_000) + "0]" }
	for name, in := range map[string]string{
		"XML":          strings.Repeat("<INSTANCE/>", 20_000),
		"SOAP":         answer + answer,
		"JSON list":    list(`"<INSTANCE"`),
		"JSON lines":   strings.Repeat("\"<INSTANCE\"\n", 20_000),
		"JSON text":    `"` + strings.Repeat("<INSTANCE/>", 20_000) + `"`,
		"JSON results": list(`{"Errors":null,"ReturnValue":1}`),
		"JSON broken":  strings.Repeat("{x\n", 20_000),
	} {
		d := &decoding{source: "in"}
		if err := d.decode(t.Context(), []byte(in)); err == nil || len(err.Error()) > 3*maxLine {
			t.Errorf("%s: %v", name, err)
		}
		if !d.cut || len(d.parts) > maxParts || len(d.answers) > maxDocuments || len(d.others) > maxOthers || len(d.warnings()) > maxParts+maxOthers+2 {
			t.Errorf("%s: cut %t, %d parts, %d answers, %d others", name, d.cut, len(d.parts), len(d.answers), len(d.others))
		}
		for _, answer := range d.answers {
			if answer.Errors != nil || answer.Raw != nil {
				t.Errorf("%s: an answer is kept whole", name)
			}
		}
	}
}

// TestDecodingInterrupted: an interrupt ends JSON and XML alike, and nothing half read is shown.
func TestDecodingInterrupted(t *testing.T) {
	t.Parallel()
	for _, in := range []string{instance + instance, `["<INSTANCE","<INSTANCE"]`, exchange(t, "geterrorex_three") + instance} {
		ctx := &interrupting{Context: t.Context(), after: 1}
		d := &decoding{source: "in"}
		if err := d.decode(ctx, []byte(in)); !errors.Is(err, context.Canceled) || len(d.parts)+len(d.answers) > 0 || d.seen > 1 {
			t.Errorf("decode(%q) = %v with %d parts, %d seen", in, err, len(d.parts), d.seen)
		}
	}
}

// TestDecodeTooLong: a script that reads JSON gets some for an input beyond the limit too.
func TestDecodeTooLong(t *testing.T) {
	t.Parallel()
	var stdout bytes.Buffer
	a := newApp(bytes.NewReader(make([]byte, maxInput+1)), &stdout, &bytes.Buffer{})
	err := a.decode(t.Context(), "-", &decodeFlags{output: outputJSON})
	if exitCode(err) != exitUndecodable {
		t.Errorf("decode = %v", err)
	}
	if err := a.out.flush(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"kind": "undecodable"`, `"message": "stdin holds no error`, "longer than 16 MiB"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %s in %s", want, stdout.String())
		}
	}
}

// TestEnveloped: no XML declaration may stand within a document.
func TestEnveloped(t *testing.T) {
	t.Parallel()
	const want = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><a>b</a></s:Body></s:Envelope>`
	if got := enveloped([]byte("\ufeff<?xml version=\"1.0\"?>\r\n<!-- c --><a>b</a>")); string(got) != want {
		t.Errorf("enveloped = %s", got)
	}
}

// interrupting is a context that ends after it was asked some times.
type interrupting struct {
	context.Context
	after int
}

// Err implements [context.Context].
func (c *interrupting) Err() error {
	if c.after--; c.after < 0 {
		return context.Canceled
	}
	return nil
}

// TestDecodingReturnValues: each result is kept, with its errors or without, and the JSON of decode has no key twice.
func TestDecodingReturnValues(t *testing.T) {
	t.Parallel()
	doubled := strings.Replace(instance, "</INSTANCE>", `<PROPERTY NAME="New" TYPE="string"><VALUE>1</VALUE></PROPERTY>`+
		`<PROPERTY NAME="new" TYPE="string"/><PROPERTY NAME="Other" TYPE="string"><VALUE>2</VALUE></PROPERTY></INSTANCE>`, 1)
	text, err := json.Marshal(doubled)
	if err != nil {
		t.Fatal(err)
	}
	result := `{"Errors":[` + string(text) + `],"ReturnValue":32775}`
	d := &decoding{source: "in"}
	if err := d.decode(t.Context(), []byte("["+result+","+result+`,{"Error":`+string(text)+`,"ReturnValue":0}]`)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(slices.Repeat([]string{"GetErrorEx returned 32775 (Invalid state for this operation)"}, 2), d.warnings()); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	var stdout bytes.Buffer
	a := newApp(nil, &stdout, &bytes.Buffer{})
	if err := errors.Join(a.writeDecoding(d, &decodeFlags{output: outputJSON}, nil), a.out.flush()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		ReturnValues []map[string]any
		Errors       []struct{ OtherProperties map[string]any }
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	refused := map[string]any{"method": "GetErrorEx", "returnValue": 32775.0, "returnValueName": "Invalid state for this operation"}
	ok := map[string]any{"method": "GetError", "returnValue": 0.0, "returnValueName": "Completed with No Error"}
	if diff := cmp.Diff([]map[string]any{refused, refused, ok}, got.ReturnValues); diff != "" {
		t.Errorf("returnValues (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"New": []any{"1", nil}, "Other": "2"}, got.Errors[2].OtherProperties); diff != "" {
		t.Errorf("otherProperties (-want +got):\n%s", diff)
	}
	if n := strings.Count(stdout.String(), `"New"`); n != 3 {
		t.Errorf("New stands %d times in\n%s", n, stdout.String())
	}
}

// exchange returns the answer of a recorded exchange.
func exchange(t *testing.T, name string) string {
	t.Helper()
	b, err := fs.ReadFile(testdata.FS, "exchange/"+name+"/response.xml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// FuzzDecoding: no input makes decode panic, it finds no more clean parts than parts, and its error tells whether any was clean. What
// is printed is safe.
func FuzzDecoding(f *testing.F) {
	err := fs.WalkDir(testdata.FS, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".xml") {
			return err
		}
		b, err := fs.ReadFile(testdata.FS, path)
		f.Add(b)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{instance, `["<INSTANCE"]`, "\"\xe4<INSTANCE/>\"\nx\n\ufeff[]", `{"Errors":null,"ReturnValue":1}`, "PS> x\n[1", "<GetError_OUTPUT/>", `{"value":[{"Errors":null}]}`, "\xff\xfe<\x00", "\x00<", "{[", "<html>", "a<b>c"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		d := &decoding{source: "in"}
		err := d.decode(t.Context(), in)
		if (err == nil) != (d.clean > 0) || d.clean > len(d.parts) {
			t.Errorf("decode = %v with %d clean of %d", err, d.clean, len(d.parts))
		}
		var stdout bytes.Buffer
		a := newApp(nil, &stdout, &bytes.Buffer{})
		a.printDecoding(d, &decodeFlags{})
		if err := a.writeDecoding(d, &decodeFlags{output: outputJSON}, err); err != nil {
			t.Errorf("JSON: %v", err)
		}
		if err := a.out.flush(); err != nil {
			t.Fatal(err)
		}
		for line := range bytes.SplitSeq(stdout.Bytes(), []byte("\n")) {
			if bytes.ContainsFunc(bytes.ReplaceAll(line, []byte("\ufffd"), nil), unsafeRune) {
				t.Errorf("printed %q", line)
			}
		}
	})
}
