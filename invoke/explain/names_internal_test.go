package explain

// In the package, because the tables themselves are looked at.

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write tables/names_windows.txt from golang.org/x/sys/windows")

// A constant of golang.org/x/sys/windows/zerrors_windows.go.
type constant struct {
	name, typ string
	value     uint32
}

// constants reads the file in the order of its lines; constants that are made of others are left out.
func constants(t *testing.T) []constant {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	if err != nil || len(bytes.TrimSpace(dir)) == 0 {
		t.Fatalf("go list -m golang.org/x/sys: %q, %v", dir, err)
	}
	path := filepath.Join(string(bytes.TrimSpace(dir)), "windows", "zerrors_windows.go")
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var all []constant
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			v := spec.(*ast.ValueSpec)
			lit, ok := v.Values[0].(*ast.BasicLit)
			if !ok {
				continue
			}
			n, err := strconv.ParseUint(lit.Value, 0, 32)
			if err != nil {
				t.Fatalf("%s = %s: %v", v.Names[0].Name, lit.Value, err)
			}
			typ := ""
			switch x := v.Type.(type) {
			case *ast.Ident:
				typ = x.Name
			case *ast.SelectorExpr:
				typ = x.Sel.Name
			}
			all = append(all, constant{v.Names[0].Name, typ, uint32(n)})
		}
	}
	return all
}

// code returns what c is a code of; it reports false for what is no error.
func (c *constant) code() (Code, bool) {
	for _, suffix := range []string{"_FIRST", "_LAST", "_MASK", "_BASE", "WSABASEERR", "ERROR_FLAG_BIT", "_RESERVED"} {
		if strings.HasSuffix(c.name, suffix) {
			return Code{}, false
		}
	}
	switch c.typ {
	case "Errno":
		if c.value <= maxWin32 {
			return Code{KindWin32, c.value}, true
		}
		return Code{KindHRESULT, c.value}, c.value >= failureBit
	case "Handle":
		return Code{KindHRESULT, c.value}, c.value >= failureBit
	case "NTStatus":
		return Code{KindNTSTATUS, c.value}, c.value >= 0x40000000
	}
	return Code{}, false
}

// TestNamesWindows compares the table with golang.org/x/sys/windows, from which -update makes it. Of several names of one code the
// first counts.
func TestNamesWindows(t *testing.T) {
	lines := map[Code]string{}
	for _, c := range constants(t) {
		code, ok := c.code()
		if ok && lines[code] == "" {
			lines[code] = fmt.Sprintf("%08X %s %s\n", code.Value, code.Kind, c.name)
		}
	}
	var want strings.Builder
	want.WriteString("# Names of Windows' errors: Win32, HRESULT and NTSTATUS. Eight hex digits, kind, symbol; sorted.\n" +
		"# source: golang.org/x/sys/windows, zerrors_windows.go, which is made from Microsoft's header files\n" +
		"# Made by: go test ./invoke/explain -run NamesWindows -update\n")
	for _, code := range slices.SortedFunc(func(yield func(Code) bool) {
		for c := range lines {
			if !yield(c) {
				return
			}
		}
	}, func(a, b Code) int { return cmp.Compare(lines[a], lines[b]) }) {
		want.WriteString(lines[code])
	}
	const file = "tables/names_windows.txt"
	if *update {
		if err := os.WriteFile(file, []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if namesWindows != want.String() {
		t.Errorf("%s is not what golang.org/x/sys/windows has; see -update", file)
	}
}

// TestParseDigits reads digits and nothing else.
func TestParseDigits(t *testing.T) {
	for _, tt := range []struct {
		digits string
		base   uint64
		want   uint32
		ok     bool
	}{
		{"0", 10, 0, true},
		{"4294967295", 10, 4294967295, true},
		{"4294967296", 10, 0, false},
		{"00000000001", 10, 0, false},
		{"FfFfFfFf", 16, 0xFFFFFFFF, true},
		{"100000000", 16, 0, false},
		{"", 10, 0, false},
		{"1A", 10, 0, false},
		{"1G", 16, 0, false},
		{"-1", 10, 0, false},
		{"1_0", 10, 0, false},
		{"\xff", 16, 0, false},
	} {
		if v, ok := parseDigits(tt.digits, tt.base); ok != tt.ok || ok && v != tt.want {
			t.Errorf("parseDigits(%q, %d) = %d, %t", tt.digits, tt.base, v, ok)
		}
	}
}
