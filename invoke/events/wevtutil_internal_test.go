package events

import (
	"strings"
	"testing"
)

// TestCheckCommand is within the package, for what it refuses is refused before already, by CheckChannel.
func TestCheckCommand(t *testing.T) {
	tests := []struct {
		command string
		ok      bool
	}{
		{`wevtutil qe "System" "/q:*[System[a <= 1]]" /c:1`, true},
		{strings.Repeat("x", 8191), true},
		{strings.Repeat("x", 8192), false},
		{`a "b`, false},
		{`a "b" & c`, false},
		{`a | b`, false},
		{`a > b`, false},
		{`a "b" "c" "d`, false},
		{`"%PATH%"`, false},
		{`"[a[b]]>c"`, false},
		{"\"a\nb\"", false},
		{"\"a\x00b\"", false},
		{"\"a\x7fb\"", false},
		{"\"a\u201cb\"", false},
	}
	for _, tt := range tests {
		if got, err := checkCommand(tt.command); (err == nil) != tt.ok || tt.ok && got != tt.command {
			t.Errorf("checkCommand(%q) = %q, %v", tt.command, got, err)
		}
	}
}
