package cimerror_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hvmigerr/hvmigerr/cimerror"
)

func TestSplit(t *testing.T) {
	const (
		decl = `<?xml version="1.0"?>`
		a    = `<INSTANCE CLASSNAME="A"><PROPERTY NAME="p" TYPE="string"><VALUE>1</VALUE></PROPERTY></INSTANCE>`
		b    = `<INSTANCE CLASSNAME="B"></INSTANCE>`
		bom  = "\ufeff"
	)
	cut := strings.TrimSuffix(a, "</VALUE></PROPERTY></INSTANCE>")
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"empty", "", nil},
		{"blank", " \r\n" + bom, nil},
		{"one", a, []string{a}},
		{"concatenated", a + b + a, []string{a, b, a}},
		{"lines", a + "\r\n" + b + "\n", []string{a, b}},
		{"marks", bom + a + bom + b, []string{a, b}},
		{"declarations", decl + a + "\n" + decl + "\n" + b, []string{decl + a, decl + "\n" + b}},
		{"DOCTYPE", `<!DOCTYPE a>` + a + `<!DOCTYPE b [<!ENTITY c "]>">]>` + b, []string{`<!DOCTYPE a>` + a, `<!DOCTYPE b [<!ENTITY c "]>">]>`, b}},
		{"DOCTYPE with subset", `<!DOCTYPE b [<!ENTITY c "d"> ] >` + b, []string{`<!DOCTYPE b [<!ENTITY c "d"> ] >` + b}},
		{"DOCTYPE cut", a + `<!DOCTYPE b`, []string{a, `<!DOCTYPE b`}},
		{"DOCTYPE cut by a tag", `<!DOCTYPE b` + b, []string{`<!DOCTYPE b` + b}},
		{"comment before", "<!-- <x> -->" + a + b, []string{"<!-- <x> -->" + a, b}},
		{"comment behind", a + b + " <!-- </x> -->\n", []string{a, b + " <!-- </x> -->"}},
		{"declaration behind", a + decl, []string{a, decl}},
		{"empty elements", "<a/><b x='/>'/><c />", []string{"<a/>", "<b x='/>'/>", "<c />"}},
		{"prose around", "PS> x\n" + a + "\nand < 1\n" + b + " end", []string{"PS> x", a, "and < 1", b, "end"}},
		{"prose only", "5 < 6", []string{"5 < 6"}},
		{"lone <", "<", []string{"<"}},
		{"end tag only", a + "</INSTANCE></a>" + b, []string{a, "</INSTANCE></a>", b}},
		{"declaration and prose", decl + "x" + a, []string{decl + "x", a}},
		{"CDATA", `<a><![CDATA[</a><a>]]></a>` + b, []string{`<a><![CDATA[</a><a>]]></a>`, b}},
		{"comment within", `<a><!-- </a> --></a>` + b, []string{`<a><!-- </a> --></a>`, b}},
		{"> in quotes", `<a b="/>" c='"'></a>` + b, []string{`<a b="/>" c='"'></a>`, b}},
		{"embedded", "<INSTANCE><VALUE.OBJECT>" + a + "</VALUE.OBJECT></INSTANCE>" + b, []string{"<INSTANCE><VALUE.OBJECT>" + a + "</VALUE.OBJECT></INSTANCE>", b}},
		{"mismatch", "<INSTANCE><PROPERTY></INSTANCE>" + b, []string{"<INSTANCE><PROPERTY></INSTANCE>", b}},
		{"stray end tag within", "<a></b></a>" + b, []string{"<a></b></a>", b}},

		{"cut at the end", a + cut, []string{a, cut}},
		{"cut before others", cut + "\n" + a + "\n" + b, []string{cut, a, b}},
		{"cut between others", a + cut + b + "\n" + cut + a, []string{a, cut, b, cut, a}},
		{"cut before a declaration", cut + decl + a, []string{cut, decl + a}},
		{"cut before a wrapped one", cut + "<VALUE.OBJECT>" + a + "</VALUE.OBJECT>", []string{cut, "<VALUE.OBJECT>" + a + "</VALUE.OBJECT>"}},
		{"cut in a tag", `<INSTANCE CLASSNAME="A"><PROPERTY NAME="p` + "\n" + b, []string{`<INSTANCE CLASSNAME="A"><PROPERTY NAME="p`, b}},
		{"cut in an end tag", strings.TrimSuffix(a, ">") + b, []string{strings.TrimSuffix(a, ">"), b}},
		{"cut and an embedded one", cut + "<INSTANCE><VALUE>" + a + "</VALUE></INSTANCE>", []string{cut, "<INSTANCE><VALUE>" + a + "</VALUE></INSTANCE>"}},
		{"open comment", "<!-- " + a, []string{"<!--", a}},
		{"open CDATA within", "<a><![CDATA[</a>" + b, []string{"<a><![CDATA[</a>", b}},
		{"open instruction", "<?x " + b + "<?xml " + b, []string{"<?x", b, "<?xml", b}},
		{"deeper than names are kept", strings.Repeat("<a>", 80) + strings.Repeat("</a>", 80) + b, []string{strings.Repeat("<a>", 80) + strings.Repeat("</a>", 80), b}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for part := range cimerror.Split([]byte(tt.text)) {
				got = append(got, string(part))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Split(%q) (-want +got):\n%s", tt.text, diff)
			}
			checkNothingLost(t, []byte(tt.text))
		})
	}
}

// checkNothingLost looks for each part behind the one before; only blanks and marks may lie between.
func checkNothingLost(t *testing.T, text []byte) {
	t.Helper()
	rest := text
	for part := range cimerror.Split(text) {
		rest = bytes.TrimLeft(rest, "\ufeff \t\r\n")
		if len(part) == 0 || !bytes.HasPrefix(rest, part) {
			t.Fatalf("Split(%q): part %q is not next in %q", text, part, rest)
		}
		rest = rest[len(part):]
	}
	if rest = bytes.TrimLeft(rest, "\ufeff \t\r\n"); len(rest) > 0 {
		t.Fatalf("Split(%q) lost %q", text, rest)
	}
}

// TestSplitStops: whoever takes the first parts gets no more of them, and can begin again.
func TestSplitStops(t *testing.T) {
	parts := cimerror.Split([]byte("<a/>x<b><INSTANCE></INSTANCE><INSTANCE></INSTANCE><?xml ?><c/>"))
	all := slices.Collect(parts)
	if len(all) != 6 {
		t.Fatalf("%d parts: %q", len(all), all)
	}
	for most := range all {
		var got [][]byte
		for part := range parts {
			if got = append(got, part); len(got) > most {
				break
			}
		}
		if diff := cmp.Diff(all[:most+1], got); diff != "" {
			t.Errorf("%d parts (-want +got):\n%s", most+1, diff)
		}
	}
}

// TestSplitKeepsNothing: parts take no memory of Split before they are asked for, and none afterwards.
func TestSplitKeepsNothing(t *testing.T) {
	text := bytes.Repeat([]byte("<a/>"), 10_000)
	allocations := testing.AllocsPerRun(10, func() {
		for range cimerror.Split(text) {
		}
	})
	if allocations > 10 {
		t.Errorf("%v allocations", allocations)
	}
}

// TestSplitHostile splits what makes a careless splitter search the same text again and again, or keep a stack without end.
// At one megabyte anything but linear time would not come back.
func TestSplitHostile(t *testing.T) {
	for _, unit := range []string{
		"<", "<a", "<a>", "</a>", "<!--", "<![CDATA[", "<?a ", "<?xml ", "<!D[", "<!D", "<a b='", "<a></b>", "x<!--", "\ufeff", "<INSTANCE>",
		"<INSTANCE><INSTANCE></INSTANCE>", "<a><INSTANCE/>",
	} {
		checkNothingLost(t, bytes.Repeat([]byte(unit), 1<<20/len(unit)))
	}
}
