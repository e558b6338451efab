package explain

// In the package, because the tables themselves are looked at.

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestTables checks each table and each row.
func TestTables(t *testing.T) {
	if err := known().err; err != nil {
		t.Fatal(err)
	}
	numbers := map[string][]Code{} // the codes of each symbol of golang.org/x/sys/windows
	for _, c := range constants(t) {
		if code, ok := c.code(); ok {
			numbers[c.name] = append(numbers[c.name], code)
		}
	}
	ids := map[string]bool{}
	for _, table := range rowTables() {
		t.Run(table.name, func(t *testing.T) {
			checkLines(t, table.text)
			entries, err := readTable(table.name, table.text)
			if err != nil {
				t.Fatal(err)
			}
			if len(entries) == 0 {
				t.Error("no rows")
			}
			checkSorted(t, entries)
			for i := range entries {
				e := &entries[i]
				row := &e.row
				for _, problem := range slices.Concat(problemsOf(row), problemsOfTexts(row), problemsOfPatterns(e)) {
					t.Errorf("line %d: %v %s: %s", e.line, row.Code, row.ID, problem)
				}
				if codes := numbers[row.Symbol]; len(codes) > 0 && !slices.Contains(codes, row.Code) {
					t.Errorf("line %d: %s is %v, not %v", e.line, row.Symbol, codes, row.Code)
				}
				if name := nameOf(row.Code); name != "" && row.Symbol != "" && name != row.Symbol && len(numbers[row.Symbol]) == 0 {
					t.Errorf("line %d: %v is %s, not %s", e.line, row.Code, name, row.Symbol)
				}
				if row.ID != "" && ids[row.ID] {
					t.Errorf("line %d: second row %s", e.line, row.ID)
				}
				ids[row.ID] = true
			}
		})
	}
}

// checkLines checks what a reader of the file sees.
func checkLines(t *testing.T, text string) {
	t.Helper()
	if !strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\n\n") {
		t.Error("the file does not end with one line feed")
	}
	if strings.Contains(text, "\n\n\n") {
		t.Error("two blank lines in a row")
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSuffix(line, "\n")
		if !utf8.ValidString(line) || strings.ContainsFunc(line, unicode.IsControl) || strings.TrimRight(line, " ") != line {
			t.Errorf("line %d: not UTF-8, or a tab, a carriage return or a blank at its end", number)
		}
		if utf8.RuneCountInString(line) > 160 {
			t.Errorf("line %d: longer than 160 columns", number)
		}
	}
}

// checkSorted checks that the rows of each kind stand together in the order of their numbers, and those with an id by id.
func checkSorted(t *testing.T, entries []entry) {
	t.Helper()
	var seen []Kind
	for i := range entries {
		kind := entries[i].row.Kind
		if i == 0 || kind != entries[i-1].row.Kind {
			if slices.Contains(seen, kind) {
				t.Errorf("line %d: apart from the other rows of %q", entries[i].line, kind)
			}
			seen = append(seen, kind)
			continue
		}
		a, b := &entries[i-1].row, &entries[i].row
		if cmp.Or(cmp.Compare(a.Value, b.Value), cmp.Compare(a.ID, b.ID)) >= 0 {
			t.Errorf("line %d: %v %s stands behind %v %s", entries[i].line, b.Code, b.ID, a.Code, a.ID)
		}
	}
}

// problemsOf tells what of the code and the symbol of row is wrong.
func problemsOf(row *Row) (problems []string) {
	v := row.Value
	switch row.Kind {
	case KindHRESULT:
		if v < failureBit {
			problems = append(problems, "an HRESULT that is no failure")
		}
	case KindNTSTATUS:
		if v < 0x40000000 {
			problems = append(problems, "an NTSTATUS that is no failure")
		}
	case KindWin32, KindCIM, KindReturnValue, KindEvent:
		if v > maxWin32 {
			problems = append(problems, "the number is too high for its kind")
		}
	}
	for _, form := range []Code{inner(row.Code), outer(row.Code)} {
		if known().rows[form] != nil {
			problems = append(problems, fmt.Sprintf("there is a full row of %v, too", form))
		}
	}
	if row.Symbol != "" && !regexp.MustCompile(`^[A-Z][A-Z0-9_]+$`).MatchString(row.Symbol) {
		problems = append(problems, "the symbol is not one")
	}
	if row.ID != "" && !regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`).MatchString(row.ID) {
		problems = append(problems, "the id is not of words with hyphens")
	}
	if row.Headline && row.Code != (Code{}) && row.Kind != KindEvent {
		problems = append(problems, "only an event can be a headline")
	}
	if row.Headline && len(row.Causes) > 0 {
		problems = append(problems, "a headline with causes")
	}
	return problems
}

// problemsOfTexts tells what of the words of row is wrong.
func problemsOfTexts(row *Row) (problems []string) {
	if row.Meaning == "" {
		problems = append(problems, "no meaning")
	}
	if row.Source == "" {
		problems = append(problems, "no source")
	}
	sentences := append([]string{row.Meaning}, row.Causes...)
	for _, c := range row.Checks {
		sentences = append(sentences, c.What)
		if strings.ContainsAny(c.Command, "“”‘’…") || strings.TrimSpace(c.Command) != c.Command {
			problems = append(problems, fmt.Sprintf("the command %q has typographic characters or blanks around it", c.Command))
		}
		if opened := strings.Count(c.Command, `"`); opened%2 != 0 {
			problems = append(problems, fmt.Sprintf("the command %q has an odd number of quotation marks", c.Command))
		}
	}
	for _, s := range sentences {
		if s != "" && (!strings.ContainsRune(".?)", rune(s[len(s)-1])) || strings.Contains(s, "  ")) {
			problems = append(problems, fmt.Sprintf("%q is not a sentence with a full stop", s))
		}
		if strings.TrimLeft(s, `"'(`) == "" || unicode.IsLower([]rune(s)[0]) && !startsWithName(s) {
			problems = append(problems, fmt.Sprintf("%q begins with a small letter", s))
		}
	}
	for _, r := range row.References {
		if strings.Contains(r, " http") || strings.HasPrefix(r, "http:") || strings.HasSuffix(r, ".") {
			problems = append(problems, fmt.Sprintf("the reference %q is not one https address or a document with its clause", r))
		}
	}
	return problems
}

// startsWithName reports whether s begins with a name that is written small, such as vmguest.iso or hvmigerr.
func startsWithName(s string) bool {
	word, _, _ := strings.Cut(s, " ")
	return strings.Trim(word, "abcdefghijklmnopqrstuvwxyz") != "" || word == "hvmigerr"
}

// problemsOfPatterns tells what of the patterns of e is wrong.
func problemsOfPatterns(e *entry) (problems []string) {
	row := &e.row
	if row.ID != "" && len(row.Patterns) == 0 {
		problems = append(problems, "an id without a pattern: nothing leads to this row")
	}
	if row.Kind != "" && row.Kind != KindEvent && len(row.Patterns) > 0 {
		problems = append(problems, "a code with a pattern")
	}
	for _, p := range row.Patterns {
		if folded := fold(p).text; folded != p {
			problems = append(problems, fmt.Sprintf("pattern %q: what is looked for is %q", p, folded))
		}
		prepared := newPattern(row, p, nil, nil)
		letters := 0
		for _, piece := range prepared.pieces {
			letters += len(strings.ReplaceAll(piece, " ", ""))
		}
		if letters < 9 || strings.Contains(p, "**") {
			problems = append(problems, fmt.Sprintf("pattern %q says too little", p))
		}
		text := fold(strings.ReplaceAll(p, "*", " something "))
		if _, _, ok := prepared.find(text); !ok && !strings.Contains(p, " *") && !strings.Contains(p, "* ") {
			problems = append(problems, fmt.Sprintf("pattern %q does not match %q", p, text.text))
		}
	}
	for _, v := range slices.Concat(e.with, e.unless) {
		code, _ := codeOf(v)
		if _, ok := Lookup(code); !ok || len(row.Patterns) == 0 {
			problems = append(problems, fmt.Sprintf("with or unless 0x%08X: no row has it, or there is no pattern", v))
		}
	}
	return problems
}

// TestNames checks the tables of names: what the search and the sorting rest upon.
func TestNames(t *testing.T) {
	form := regexp.MustCompile(`^([0-9A-F]{8}) (HRESULT|NTSTATUS|Win32) ([A-Z][A-Za-z0-9_]+)$`)
	owner := map[string]string{}
	for _, table := range nameTables() {
		t.Run(table.name, func(t *testing.T) {
			checkLines(t, table.text)
			lines := strings.Split(strings.TrimSuffix(table.text, "\n"), "\n")
			lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#") })
			if !slices.IsSorted(lines) {
				t.Error("the lines are not sorted")
			}
			for _, line := range lines {
				m := form.FindStringSubmatch(line)
				if m == nil {
					t.Errorf("%q is not hex digits, kind and symbol", line)
					continue
				}
				key := m[1] + " " + m[2]
				if other := owner[key]; other != "" {
					t.Errorf("%s stands in %s already", line, other)
				}
				owner[key] = table.name
				v, _ := parseDigits(m[1], 16)
				if got := nameOf(Code{Kind(m[2]), v}); got != m[3] {
					t.Fatalf("nameOf(%s) = %q, want %s", key, got, m[3])
				}
				if c, ok := codeOfSymbol(m[3]); !ok || symbolOf(c) != m[3] {
					t.Fatalf("codeOfSymbol(%s) = %v, %t", m[3], c, ok)
				}
			}
		})
	}
	for _, c := range []Code{{KindWin32, 0xFFFF}, {KindHRESULT, 0}, {KindHRESULT, 0xFFFFFFFF}, {KindNTSTATUS, 0xFFFFFFFF}, {KindEvent, 5}, {}} {
		if got := nameOf(c); got != "" {
			t.Errorf("nameOf(%v) = %q", c, got)
		}
	}
	for _, text := range []string{"", "\n", "#\n", "00000005 Win32 A", "00000004 Win32 A\n00000006 Win32 B\n"} {
		want := strings.TrimPrefix(text, "00000005 Win32 ")
		if len(want) != 1 || want == "\n" {
			want = ""
		}
		if got := search(text, []byte("00000005 Win32 ")); got != want {
			t.Errorf("search(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestReadTable tells what is wrong with a table, and where.
func TestReadTable(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		rows       int
		want       string // of the error
	}{
		{"empty", "", 0, ""},
		{"comments", "# one\n\n# two\n", 0, ""},
		{"row", "code: 5\nkind: Win32\nmeaning: A.\n", 1, ""},
		{"two rows", "code: 5\nkind: Win32\n\n\n# and\ncode: 0x80070005\nkind: HRESULT\n", 2, ""},
		{"continued", "id: a\npattern: b\nreference:\n  https://x\n  y", 1, ""},
		{"no colon", "code 5\nkind: Win32\n", 0, "tables/t.txt:1: neither key: value nor a continuation"},
		{"nothing to continue", "  code: 5\n", 0, "tables/t.txt:1: continues nothing"},
		{"unknown key", "code: 5\nkind: Win32\ncolour: red\n", 0, "tables/t.txt:3: colour: unknown key"},
		{"order", "kind: Win32\ncode: 5\n", 0, "tables/t.txt:2: code: out of order, or twice"},
		{"twice", "code: 5\ncode: 6\nkind: Win32\n", 0, "tables/t.txt:2: code: out of order, or twice"},
		{"empty value", "code: 5\nkind:\n", 0, "tables/t.txt:2: kind: without a value"},
		{"number", "code: 5x\nkind: Win32\n", 0, "tables/t.txt:1: code: strconv.ParseUint: parsing \"5x\": invalid syntax"},
		{"long number", "code: 0x800700051\nkind: HRESULT\n", 0, "tables/t.txt:1: code: strconv.ParseUint: parsing \"800700051\": value out of range"},
		{"kind", "code: 5\nkind: win32\n", 0, "tables/t.txt:2: kind: unknown kind \"win32\""},
		{"kind of an id", "id: a\nkind: Win32\n", 0, "tables/t.txt:2: kind: a row with an id is of an event or has no kind"},
		{"no kind", "code: 5\nsymbol: A\n", 0, "tables/t.txt:1: a row has a code and its kind, or an id"},
		{"headline", "id: a\nheadline: no\n", 0, "tables/t.txt:2: headline: only yes is possible"},
		{"check", "id: a\ncheck: here\n", 0, "tables/t.txt:2: check: not WHERE | what | command"},
		{"place", "id: a\ncheck: there | this\n", 0, "tables/t.txt:2: check: unknown place \"there\""},
	} {
		entries, err := readTable("t.txt", tt.text)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if len(entries) != tt.rows || got != tt.want {
			t.Errorf("%s: %d rows, error %q, want %d and %q", tt.name, len(entries), got, tt.rows, tt.want)
		}
	}
	k := newKnowledge([]table{{"a.txt", "code: 5\nkind: Win32\n"}, {"b.txt", "# twice\ncode: 0x5\nkind: Win32\n"}})
	if want := "tables/b.txt:2: second row of this code"; k.err == nil || k.err.Error() != want {
		t.Errorf("error %v, want %s", k.err, want)
	}
}

// TestCheck: only the first two bars separate.
func TestCheck(t *testing.T) {
	entries, err := readTable("t.txt", "id: a\ncheck: both hosts | this | Get-VM | Format-List\n  Name\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Check{WhereBoth, "this", "Get-VM | Format-List Name"}
	if got := entries[0].row.Checks[0]; got != want {
		t.Errorf("check is %+v, want %+v", got, want)
	}
}

// TestFacilities compares the names of facilities with those of golang.org/x/sys/windows.
func TestFacilities(t *testing.T) {
	names := map[uint32][]string{}
	for _, c := range constants(t) {
		if strings.HasPrefix(c.name, "FACILITY_") {
			names[c.value] = append(names[c.value], c.name)
		}
	}
	found := 0
	for n := range uint32(1 << 11) {
		name := facilityName(n)
		if name == "" {
			continue
		}
		found++
		if !slices.Contains(names[n], name) {
			t.Errorf("facility %d is %v, not %s", n, names[n], name)
		}
	}
	if found < 20 {
		t.Errorf("%d facilities have a name", found)
	}
}

// FuzzReadTable: no panic, and nothing is lost in silence: a stanza is an entry or an error.
func FuzzReadTable(f *testing.F) {
	for _, table := range rowTables() {
		f.Add(table.text[:min(len(table.text), 3000)])
	}
	f.Add("id: a\ncheck: here | x\n\ncode: 1\n")
	f.Fuzz(func(t *testing.T, text string) {
		entries, err := readTable("t.txt", text)
		stanzas := 0
		inside := false
		for line := range strings.SplitSeq(text, "\n") {
			switch {
			case line == "":
				inside = false
			case line[0] != '#' && !inside:
				inside = true
				stanzas++
			}
		}
		if len(entries) > stanzas || len(entries) < stanzas && err == nil {
			t.Fatalf("%d entries of %d stanzas, error %v", len(entries), stanzas, err)
		}
		k := newKnowledge([]table{{"t.txt", text}})
		for i := range k.patterns {
			k.patterns[i].find(fold(text))
		}
	})
}
