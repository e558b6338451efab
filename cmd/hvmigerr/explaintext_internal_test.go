// Internal, as all tests here: see main_internal_test.go.

package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/invoke/explain"
	"github.com/hvmigerr/hvmigerr/wsman/wsmantest"
)

// TestOwnWords explains what this program printed: what it says itself must be no code to it.
func TestOwnWords(t *testing.T) {
	clearEnvironment(t)
	// Six errors, so that small numbers of them are Win32 codes, too; the last has a code. The first cannot be read in full.
	spoiled := strings.Replace(instance, `TYPE="string"><VALUE>m</VALUE>`, `TYPE="uint16"><VALUE>m</VALUE>`, 1)
	if spoiled == instance {
		t.Fatal("the instance is not as expected")
	}
	silent := strings.ReplaceAll(instance, "<VALUE>m</VALUE>", "<VALUE>Es ging nicht.</VALUE>")
	telling := strings.ReplaceAll(instance, "<VALUE>m</VALUE>", "<VALUE>Niemand ist angemeldet (0x8009030E).</VALUE>")
	limit := strings.ReplaceAll(instance, "<VALUE>m</VALUE>", "<VALUE>the virtual machine migration limit '2' was reached</VALUE>")
	file := filepath.Join(t.TempDir(), "errors.xml")
	if err := os.WriteFile(file, []byte(strings.Join([]string{spoiled, silent, silent, limit, telling, telling}, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	h := newHost(t, wsmantest.Config{})
	t.Setenv(variable("password"), "administrator-pass")
	for _, args := range [][]string{
		{"demo"},
		{"decode", file},
		{"get", "-u", administrator, "--ca-file", h.ca, h.URL()},
		{"jobs", "-u", administrator, "--ca-file", h.ca, h.URL()},
	} {
		t.Run(args[0], func(t *testing.T) {
			all := invokeRun(t.Context(), strings.NewReader(""), args...)
			theirs := invokeRun(t.Context(), strings.NewReader(""), append(slices.Clip(args), "--no-explain")...)
			object := invokeRun(t.Context(), strings.NewReader(""), append(slices.Clip(args), "-o", "json")...)
			if all.code != exitOK || theirs.code != exitOK || object.code != exitOK || !strings.Contains(all.stdout, "by hvmigerr") {
				t.Fatalf("%+v\n%+v\n%+v", all, theirs, object)
			}
			held := recognisedIn(t, theirs.stdout)
			for _, match := range regexp.MustCompile(`"(?:code|pattern)": (\S+),`).FindAllStringSubmatch(object.stdout, -1) {
				held = append(held, match[1]) // also by a number in a property of its own
			}
			for _, out := range []string{all.stdout, all.stdout + all.stderr, object.stdout} {
				for _, what := range recognisedIn(t, out) {
					if !slices.Contains(held, what) {
						t.Errorf("the host did not say %s, but we did:\n%s", what, out)
					}
				}
			}
		})
	}
}

// recognisedIn explains a text and returns the codes and the patterns that are found.
func recognisedIn(t *testing.T, text string) []string {
	t.Helper()
	got := invokeRun(t.Context(), strings.NewReader(text), "explain", "-o", "json")
	var answer struct {
		Explanation struct {
			Findings []struct{ Code, Pattern json.RawMessage }
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil {
		t.Fatalf("%+v: %v", got, err)
	}
	var list []string
	for _, f := range answer.Explanation.Findings {
		what := string(f.Code)
		if what == "null" {
			what = string(f.Pattern)
		}
		list = append(list, what)
	}
	return list
}

// TestJSONText holds what is taken out of JSON, and the line that each piece stands in.
func TestJSONText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, want string
		lines          []int
		bad            bool
	}{
		{name: "event", in: "[\r\n {\"Id\": 21502,\r\n  \"Message\": \"\\u0027a\\u0027\\r\\nb\", \"Level\": null, \"More\": true}]", want: "Id: 21502\nMessage: 'a'\r\nb\n", lines: []int{2, 3, 3}},
		{name: "nested", in: "{\"a\": {\"b\": [\"x\",\n{\"c\": \"y\"}, 2], \"d\": \"z\"}}", want: "x\nc: y\n2\nd: z\n", lines: []int{1, 2, 2, 2}},
		{name: "texts", in: `"a" "b"`, want: "a\nb\n", lines: []int{1, 1}},
		{name: "large", in: `-2146893042`, want: "-2146893042\n", lines: []int{1}},
		{name: "empty key", in: `{"": "a", "b": "c"}`, want: ": a\nb: c\n", lines: []int{1, 1}},
		{name: "ours", in: `{"schema": "hvmigerr/v1", "a": "b", "explanation": {"c": [{"d": "e"}]}, "f": {"explanation": {"g": "h"}, "i": "j"}}`, want: "schema: hvmigerr/v1\na: b\ni: j\n", lines: []int{1, 1, 1}},
		{name: "ours, with a text", in: `{"schema": "hvmigerr/v1", "explanation": "a"}`, want: "schema: hvmigerr/v1\nexplanation: a\n", lines: []int{1, 1}},
		{name: "others'", in: `{"a": {"schema": "hvmigerr/v1"}, "explanation": {"c": "d"}}`, want: "schema: hvmigerr/v1\nc: d\n", lines: []int{1, 1}},
		{name: "success", in: `{"ErrorCode": 0, "a": "0"}`, want: "a: 0\n", lines: []int{1}},
		{name: "nothing", in: "{}"},
		{name: "cut off", in: `["a"`, bad: true},
		{name: "cut off in an object", in: `{"a": `, bad: true},
		{name: "no JSON behind it", in: `["a"] b`, bad: true},
		{name: "deep", in: strings.Repeat("[", maxJSONDepth+1) + strings.Repeat("]", maxJSONDepth+1), bad: true},
	} {
		text, lines, ok := jsonText(t.Context(), []byte(tt.in))
		if ok == tt.bad || ok && text != tt.want {
			t.Errorf("%s: jsonText = %q, %v, want %q, %v", tt.name, text, ok, tt.want, !tt.bad)
		}
		if diff := cmp.Diff(tt.lines, lines); ok && diff != "" {
			t.Errorf("%s: lines (-want +got):\n%s", tt.name, diff)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, ok := jsonText(cancelled, []byte(`"a"`)); ok {
		t.Error("jsonText goes on after its context ended")
	}
}

// TestWidth holds everything that the tables make explain say to the width of a terminal, but commands and addresses.
func TestWidth(t *testing.T) {
	t.Parallel()
	tables, err := filepath.Glob("../../invoke/explain/tables/*.txt")
	if err != nil || len(tables) == 0 {
		t.Fatal(tables, err)
	}
	patterns := map[int]*regexp.Regexp{16: regexp.MustCompile(`(?m)^(?:code: 0x)?([0-9A-F]{8})\b`), 10: regexp.MustCompile(`(?m)^code: (\d+)$`)}
	kinds := map[int][]explain.Kind{
		16: {explain.KindHRESULT, explain.KindWin32, explain.KindNTSTATUS},
		10: {explain.KindWin32, explain.KindCIM, explain.KindReturnValue, explain.KindEvent},
	}
	for _, name := range tables {
		table, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for base, pattern := range patterns {
			for _, match := range pattern.FindAllSubmatch(table, -1) {
				v, err := strconv.ParseUint(string(match[1]), base, 32)
				if err != nil {
					t.Fatal(err)
				}
				for _, kind := range kinds[base] {
					checkWidth(t, explain.Numbers(explain.Code{Kind: kind, Value: uint32(v)}))
				}
			}
		}
	}
}

// checkWidth prints e in both ways.
func checkWidth(t *testing.T, e *explain.Explanation) {
	t.Helper()
	findings := e.Findings
	if e.Headline != nil {
		findings = append(slices.Clip(findings), *e.Headline)
	}
	var commands []string
	for i := range findings {
		for _, c := range findings[i].Row.Checks {
			commands = append(commands, c.Command)
		}
	}
	out := printed(t, func(a *app) {
		a.printExplanation(&question{kind: inputCode, answer: e})
		a.printMeaning(e, nil)
	})
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		if cells(line) > helpWidth && !strings.Contains(line, "://") && !slices.Contains(commands, strings.TrimSpace(line)) {
			t.Errorf("wider than %d columns: %s", helpWidth, line)
		}
	}
}

// TestExplanationOfInput holds where findings stand in what was given: the line, and in JSON the bytes of the text in UTF-8.
func TestExplanationOfInput(t *testing.T) {
	clearEnvironment(t)
	const message = "x\r\n(0x8009030E)\r\n"
	utf16 := "\xff\xfe"
	for _, c := range []byte(message) {
		utf16 += string([]byte{c, 0})
	}
	const fault = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Detail>` +
		`<f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="87"/></s:Detail></s:Fault></s:Body></s:Envelope>`
	for _, tt := range []struct {
		name, in, says string
		code           uint32
		start, end     int
		text           string
		noPart         bool
	}{
		{name: "UTF-8", in: message, says: `by line 2: "0x8009030E"`, code: 0x8009030E, start: 4, end: 14, text: "0x8009030E"},
		{name: "UTF-8 with a mark", in: "\ufeff" + message, says: `by line 2: "0x8009030E"`, code: 0x8009030E, start: 4, end: 14, text: "0x8009030E"},
		{name: "UTF-16", in: utf16, says: `by line 2: "0x8009030E"`, code: 0x8009030E, start: 4, end: 14, text: "0x8009030E"},
		{name: "JSON", in: "{\n\"a\":\n\"\\u00270x8009030E\\u0027\"}", says: "0x8009030E", code: 0x8009030E, start: 4, end: 14, text: "0x8009030E"},
		{name: "broken by a console", in: "x\nfailed (0x8009\r\n030E).", says: `by line 2: "0x8009030E"`, code: 0x8009030E, start: 10, end: 22, text: "0x8009\r\n030E"},
		{name: "fault with a small code", in: fault, says: "\n  a code of the SOAP fault\n", code: 87},
		{name: "return value", in: `{"Errors": null, "ReturnValue": 32775}`, says: "return value 32775\n", code: 32775, noPart: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := invokeRun(t.Context(), strings.NewReader(tt.in), "explain")
			if got.code != exitOK || !strings.Contains(got.stdout, tt.says) {
				t.Errorf("explain = %+v, want %q", got, tt.says)
			}
			got = invokeRun(t.Context(), strings.NewReader(tt.in), "explain", "-o", "json")
			var answer struct {
				Explanation struct {
					Findings []struct {
						Code       uint32
						Part       *int
						Start, End int
						Text       *string
					}
				}
			}
			if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil || len(answer.Explanation.Findings) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			f := answer.Explanation.Findings[0]
			text := ""
			if f.Text != nil {
				text = *f.Text
			}
			if f.Code != tt.code || f.Start != tt.start || f.End != tt.end || text != tt.text || (f.Part == nil) != tt.noPart {
				t.Errorf("finding = %+v (%q), want %+v", f, text, tt)
			}
		})
	}
}
