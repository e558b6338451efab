// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"strings"
	"testing"
	"unicode/utf16"

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
		name string
		in   []byte
		want string
		err  bool
	}{
		{name: "UTF-8", in: []byte(text), want: text},
		{name: "UTF-8 with a mark", in: []byte("\ufeff" + text), want: text},
		{name: "UTF-16LE", in: utf16Of(text, binary.LittleEndian, true), want: text},
		{name: "UTF-16BE", in: utf16Of(text, binary.BigEndian, true), want: text},
		{name: "UTF-16LE without a mark", in: utf16Of(text, binary.LittleEndian, false), want: text},
		{name: "UTF-16BE without a mark", in: utf16Of(text, binary.BigEndian, false), want: text},
		{name: "empty", in: nil, want: ""},
		{name: "one byte", in: []byte("<"), want: "<"},
		{name: "half a surrogate", in: []byte{'<', 0, 0, 0xd8}, want: "<\ufffd"},
		{name: "half a character", in: []byte{'<', 0, 'a'}, err: true},
	} {
		got, err := toUTF8(tt.in)
		if string(got) != tt.want || (err != nil) != tt.err {
			t.Errorf("%s: toUTF8(%q) = %q, %v; want %q", tt.name, tt.in, got, err, tt.want)
		}
	}
}

const instance = `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="Message" TYPE="string"><VALUE>m</VALUE></PROPERTY></INSTANCE>`

func TestDecoding(t *testing.T) {
	t.Parallel()
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

		{name: "empty", in: "", err: "it is empty"},
		{name: "blank", in: "\ufeff \r\n", err: "it is empty"},
		{name: "prose", in: "Move-VM : it failed", err: `no XML: "Move-VM : it failed"`},
		{name: "HTML", in: "<!DOCTYPE html><html><body>x</body></html>", err: "HTML"},
		{name: "HTML without DOCTYPE", in: "<html><body>x</body></html>", err: "HTML"},
		{name: "another document", in: "<Objs Version=\"1.1.0.1\"/>", err: `root "Objs"`},
		{name: "another class", in: `<INSTANCE CLASSNAME="Msvm_ComputerSystem"></INSTANCE>`, err: `class "Msvm_ComputerSystem"`},
		{name: "bad value", in: `<INSTANCE CLASSNAME="Msvm_Error"><PROPERTY NAME="ErrorType" TYPE="uint16"><VALUE>x</VALUE></PROPERTY></INSTANCE>`, parts: 1, err: "ErrorType"},
		{name: "cut off", in: instance[:40], parts: 1, err: "error 1: CIM-XML"},
		{name: "a DTD", in: `<!DOCTYPE x [<!ENTITY e "e">]>` + instance, err: "DOCTYPE"},
		{name: "JSON without", in: `{"Name":"x","Items":[1,true,null]}`, err: "JSON without"},
		{name: "JSON null", in: `{"Errors":null}`, err: "JSON without"},
		{name: "JSON of other text", in: `["x"]`, err: `no XML: "x"`},
		{name: "JSON cut off", in: `{"Errors":[` + quoted, parts: 1, clean: 1},
		{name: "JSON malformed", in: `{"Errors":}`, err: "JSON that cannot be read"},
		{name: "JSON too deep", in: strings.Repeat("[", 1_000_000), err: "deeper than 64"},
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
	if n := len(d.warnings()); n > maxOthers+1 {
		t.Errorf("%d warnings", n)
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
	for _, s := range []string{instance, `["<INSTANCE"]`, `{"value":[{"Errors":null}]}`, "\xff\xfe<\x00", "\x00<", "{[", "<html>", "a<b>c"} {
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
		a.printDecoding(d)
		if err := a.writeDecoding(d, outputJSON, err); err != nil {
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
