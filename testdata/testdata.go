// Package testdata holds the recordings and samples that the tests of all packages share. README.md says where each comes
// from and how to add one.
package testdata

import "embed"

// FS holds exchange/<case>/{request.xml,response.xml,want.json,about.txt} and cimxml/<case>.xml with its golden file.
//
//go:embed exchange cimxml
var FS embed.FS
