// An internal test: the words of a command line are seen from outside only through what wevtutil makes of them.

package wsmantest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// commandLines are lines and their words; those without words are refused.
func commandLines() map[string][]string {
	return map[string][]string{
		`wevtutil qe System`:                    {"wevtutil", "qe", "System"},
		"\t a  b\t":                             {"a", "b"},
		`a /q:"*[System[(Level<=2) and x]]" /c`: {"a", "/q:*[System[(Level<=2) and x]]", "/c"},
		`a "" b`:                                {"a", "", "b"},
		`a"b c"d`:                               {"ab cd"},
		`a \"b c\" d`:                           {"a", `"b`, `c"`, "d"},
		`a\\"b c" \\d\`:                         {`a\b c`, `\\d\`},
		`a "b\\\"c" \"`:                         {"a", `b\"c`, `"`},
		"":                                      nil,
		" \t":                                   nil,
		"a & b":                                 nil,
		"a > b":                                 nil,
		`a "b`:                                  nil,
		`a "%TEMP%"`:                            nil,
		"a\nb":                                  nil,
		`a \"&\"`:                               {"a", `"&"`},
		`a "b\" & c"`:                           nil, // to cmd the second quote ends the string
		strings.Repeat("x", 8192):               nil,
		strings.Repeat("ü", 8191):               {strings.Repeat("ü", 8191)},
	}
}

func TestSplitCommandLine(t *testing.T) {
	for line, want := range commandLines() {
		got, err := splitCommandLine(line)
		if diff := cmp.Diff(want, got); diff != "" || (err == nil) != (want != nil) {
			t.Errorf("%.50q: %v\n%s", line, err, diff)
		}
	}
}

// FuzzSplitCommandLine loses no character but quotes, backslashes and blanks, and makes none up.
func FuzzSplitCommandLine(f *testing.F) {
	for line := range commandLines() {
		f.Add(line)
	}
	drop := strings.NewReplacer(`"`, "", `\`, "", " ", "", "\t", "")
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitCommandLine(line)
		if err != nil {
			return
		}
		if got, want := drop.Replace(strings.Join(words, "")), drop.Replace(line); got != want || len(words) == 0 {
			t.Fatalf("%q: words %q", line, words)
		}
		_, _ = parseEventArguments(words)
	})
}

// TestParseEventArguments reads the arguments of wevtutil; those without a channel are refused.
func TestParseEventArguments(t *testing.T) {
	for line, want := range map[string]eventArguments{
		`qe System`: {channel: "System", query: "*", format: "xml"},
		`QE System /Q:"*[System[x='a:b']]" /F:RenderedXml /RD:True /C:5 /UNI:TRUE /E:Events`: {
			channel: "System", query: "*[System[x='a:b']]", format: "renderedxml", newest: true, count: 5, unicode: true, root: "Events",
		},
		`query-events -query:x -format:text --`: {},
		`qe -reversedirection:false a`:          {channel: "a", query: "*", format: "xml"},
		`qe`:                                    {},
		`qe a b`:                                {},
		`qe a ""`:                               {},
		`gl System`:                             {},
		`qe a /c:0`:                             {},
		`qe a /c:-1`:                            {},
		`qe a /c:99999999999`:                   {},
		`qe a /f:csv`:                           {},
		`qe a /rd`:                              {},
		`qe a /uni:yes`:                         {},
		`qe a /q:`:                              {},
		`qe a /e:1`:                             {},
		`qe a /sq:true`:                         {},
	} {
		words, err := splitCommandLine(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		got, ok := parseEventArguments(words)
		if ok != (want.channel != "") {
			t.Errorf("%s: accepted: %v", line, ok)
		}
		if ok && *got != want {
			t.Errorf("%s: %+v, want %+v", line, *got, want)
		}
	}
}
