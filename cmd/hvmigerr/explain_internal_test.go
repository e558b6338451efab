// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNegativeNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"explain", "explain"},
		{"explain|-2146893042", "explain| -2146893042"},
		{"explain|-o|json|-2146893042", "explain|-o|json| -2146893042"},
		{"explain|-2146893042|-o|json", "explain| -2146893042|-o|json"},
		{"--version|explain|-5", "--version|explain| -5"},
		{"explain|-5 and more", "explain| -5 and more"},
		{"explain|--|-5", "explain|--|-5"},
		{"explain|-", "explain|-"},
		{"explain|-h", "explain|-h"},
		{"explain|--help", "explain|--help"},
		{"get|-5", "get|-5"},
		{"get|explain|-5", "get|explain|-5"},
		{"-5|explain|x", "-5|explain|x"},
	} {
		args := strings.Split(tt.in, "|")
		before := slices.Clone(args)
		if got := strings.Join(negativeNumbers(args), "|"); got != tt.want {
			t.Errorf("negativeNumbers(%q) = %q, want %q", tt.in, got, tt.want)
		}
		if diff := cmp.Diff(before, args); diff != "" {
			t.Errorf("negativeNumbers(%q) changed its argument: %s", tt.in, diff)
		}
	}
}

func TestMeansFile(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in           string
		means, could bool
	}{
		{in: "answer.xml", means: true},
		{in: "ANSWER.XML", means: true},
		{in: "/tmp/answer", means: true, could: true},
		{in: "./answer", means: true, could: true},
		{in: `.\answer`, means: true, could: true},
		{in: `C:\logs\move`, means: true, could: true},
		{in: "logs/move", could: true},
		{in: `logs\move`, could: true},
		{in: "answer"},
		{in: "0x8009030E"},
		{in: "E_FAIL."},
		{in: "host.example.com"},
		{in: "the file answer.xml"},
		{in: `cannot open C:\vm.vhdx / D:\vm.vhdx`},
		{in: "接続/移行に失敗しました"},
		{in: "C:"},
		{in: ""},
	} {
		if got := meansFile(tt.in); got != tt.means {
			t.Errorf("meansFile(%q) = %v", tt.in, got)
		}
		if got := couldMeanFile(tt.in); got != tt.could {
			t.Errorf("couldMeanFile(%q) = %v", tt.in, got)
		}
	}
}

// TestRunExplain holds the exit codes, and what an argument is taken for.
func TestRunExplain(t *testing.T) {
	clearEnvironment(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	const message = "Es gibt keine Anmeldeinformationen (0x8009030E)."
	messageFile := write("message", message)
	instanceFile := write("instance", strings.ReplaceAll(instance, "<VALUE>m</VALUE>", "<VALUE>"+message+"</VALUE>"))
	silentFile := write("silent", instance+"\r\n"+message)
	pageFile := write("page.html", "<html>0x8009030E</html>")
	for _, tt := range []struct {
		name  string
		args  []string
		stdin string
		want  int
		kind  string // of input, in JSON
		code  uint32 // of the first finding; 0: none
		says  string // on stderr
	}{
		{name: "code", args: []string{"0x8009030E"}, kind: inputCode, code: 0x8009030E},
		{name: "unsigned", args: []string{"2148074254"}, kind: inputCode, code: 0x8009030E},
		{name: "signed", args: []string{"-2146893042"}, kind: inputCode, code: 0x8009030E},
		{name: "signed, behind --", args: []string{"--", "-2146893042"}, kind: inputCode, code: 0x8009030E},
		{name: "symbol", args: []string{"sec_e_no_credentials"}, kind: inputCode, code: 0x8009030E},
		{name: "text", args: []string{message}, kind: inputText, code: 0x8009030E},
		{name: "unquoted", args: strings.Fields(message), kind: inputText, code: 0x8009030E},
		{name: "text with a slash", args: []string{"migration/failed", "(0x8009030E)"}, kind: inputText, code: 0x8009030E},
		{name: "stdin", args: []string{"-"}, stdin: message, kind: inputStdin, code: 0x8009030E},
		{name: "stdin without an argument", stdin: message, kind: inputStdin, code: 0x8009030E},
		{name: "file", args: []string{messageFile}, kind: inputFile, code: 0x8009030E},
		{name: "file of an instance", args: []string{instanceFile}, kind: inputFile, code: 0x8009030E},
		{name: "file of an instance that tells nothing", args: []string{silentFile}, kind: inputFile, code: 0x8009030E},
		{name: "file of a page", args: []string{pageFile}, kind: inputFile, code: 0x8009030E},
		{name: "no hit", args: []string{"4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B"}, kind: inputText},
		{name: "no hit in stdin", stdin: "nothing\n", kind: inputStdin},
		{name: "blank stdin", stdin: "\n", kind: inputStdin, says: "stdin is empty"},
		{name: "empty stdin", kind: inputStdin, says: "stdin is empty"},
		{name: "no such file", args: []string{"nosuch.xml"}, want: exitUsage, says: "FILE: open nosuch.xml"},
		{name: "no such path", args: []string{"logs/nosuch"}, kind: inputText, says: "there is no file logs/nosuch"},
		{name: "a word with a slash", args: []string{"N/A"}, kind: inputText, says: "there is no file N/A"},
		{name: "directory", args: []string{dir}, want: exitUsage, says: "is a directory"},
		{name: "empty", args: []string{" "}, want: exitUsage, says: "CODE, TEXT or FILE is empty"},
		{name: "unknown flag", args: []string{"--raw", "5"}, want: exitUsage, says: "unknown flag: --raw; see hvmigerr explain -h"},
		{name: "too long", stdin: strings.Repeat("x", maxInput+1), want: exitUndecodable, says: "stdin is longer than 16 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := invokeRun(t.Context(), strings.NewReader(tt.stdin), append([]string{"explain", "-o", "json"}, tt.args...)...)
			if got.code != tt.want || !strings.Contains(got.stderr, tt.says) || tt.says == "" && got.stderr != "" {
				t.Fatalf("run = %+v, want exit %d", got, tt.want)
			}
			if tt.want != exitOK {
				return
			}
			var answer struct {
				Schema, Command string
				Input           struct{ Kind string }
				Explanation     struct{ Findings []struct{ Code uint32 } }
			}
			if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil {
				t.Fatal(err)
			}
			var code uint32
			if len(answer.Explanation.Findings) > 0 {
				code = answer.Explanation.Findings[0].Code
			}
			if answer.Schema != schema || answer.Command != "explain" || answer.Input.Kind != tt.kind || code != tt.code {
				t.Errorf("explain %q: %+v, want %s and %#x", tt.args, answer, tt.kind, tt.code)
			}
		})
	}
}

// TestExplainHostile: what a file holds cannot command the terminal, and JSON has it exactly.
func TestExplainHostile(t *testing.T) {
	clearEnvironment(t)
	const hostile = "\x1b[31m\u202e0x8009030E\x1b]0;x\x07\nhvmigerr: fake (0x8007274D\u009b)\r\n"
	for _, format := range []string{outputText, outputJSON} {
		got := invokeRun(t.Context(), strings.NewReader(hostile), "explain", "-o", format)
		if got.code != exitOK || strings.ContainsFunc(strings.ReplaceAll(got.stdout+got.stderr, "\n", ""), unsafeRune) {
			t.Errorf("explain -o %s = %+v", format, got)
		}
		if bytes.Contains([]byte(got.stdout), []byte("\nhvmigerr: fake")) {
			t.Errorf("a line of the file passes for one of ours:\n%s", got.stdout)
		}
	}
}

// FuzzExplain: nothing that a file holds gets onto the terminal as it is, nor makes a line of its own.
func FuzzExplain(f *testing.F) {
	for _, s := range []string{
		"Der Zugriff wurde verweigert (0x80070005).", "failed at migration source 'a\x1b[31m'.\n0x8007274d", "\xff\xfe0\x00x\x00", instance,
		"{\"Id\": 21502, \"Message\": \"a\\u001b\\r\\n0x8009\\r\\n030E\", \"schema\": \"hvmigerr/v1\", \"explanation\": {\"a\": [5]}}",
		`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Detail>` +
			`<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="5"/></s:Detail></s:Fault></s:Body></s:Envelope>`,
		"Virtual machine migration operation for 'x' failed at migration source 'y'. (Virtual machine ID 1)\r\nlimit '2' was reached",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		for _, format := range []string{outputText, outputJSON, outputJSONL} {
			var stdout bytes.Buffer
			a := newApp(bytes.NewReader(in), &stdout, &bytes.Buffer{})
			if err := errors.Join(a.explain(t.Context(), []string{"-"}, format), a.out.flush()); err != nil {
				t.Fatal(err)
			}
			for line := range bytes.SplitSeq(stdout.Bytes(), []byte("\n")) {
				if bytes.ContainsFunc(bytes.ReplaceAll(line, []byte("\ufffd"), nil), unsafeRune) {
					t.Errorf("printed %q", line)
				}
			}
			if format != outputText && !json.Valid(bytes.TrimSpace(stdout.Bytes())) {
				t.Errorf("not JSON: %q", stdout.Bytes())
			}
		}
	})
}
