package events_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hvmigerr/hvmigerr/invoke/events"
)

func TestCheckChannel(t *testing.T) {
	for _, name := range append(events.DefaultChannels(),
		"Security", "Windows PowerShell", "Microsoft-Windows-Hyper-V-VmSwitch-Operational", "OpenSSH/Admin", "UIManager_Channel",
		"Microsoft-Windows-FailoverClustering/Diagnostic", "a.b(c)+,#@", "SYSTEM", strings.Repeat("a", 255),
	) {
		if err := events.CheckChannel(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	bad := []string{
		"", " System", "System ", "-Sys", "/q:*", strings.Repeat("a", 256), `a"b`, "a'b", "a`b", "%PATH%", "a<b", "a>b", "a&b", "a|b", "a^b", "a]]>b",
		"a!b", "a*b", "a?b", "a:b", `a\b`, "a;b", "a=b", "a$b", "a\x00b", "a\nb", "a\tb", "a\x7fb", "a\u202eb", "a\u02bab", "aäb", "a\xffb", "\uff02",
	}
	for _, name := range bad {
		if err := events.CheckChannel(name); err == nil || len(err.Error()) > 200 {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// TestCheckChannelNames: a name as people write it is answered with the channel's own.
func TestCheckChannelNames(t *testing.T) {
	tests := []struct{ name, meant string }{
		{"Hyper-V-VMMS/Admin", "Microsoft-Windows-Hyper-V-VMMS-Admin"},
		{"Microsoft-Windows-Hyper-V-VMMS/Admin", "Microsoft-Windows-Hyper-V-VMMS-Admin"},
		{"hyper-v-high-availability/admin", "Microsoft-Windows-Hyper-V-High-Availability-Admin"},
		{"Hyper-V-Worker-Admin", "Microsoft-Windows-Hyper-V-Worker-Admin"},
		{"Microsoft-Windows-FailoverClustering-Operational", "Microsoft-Windows-FailoverClustering/Operational"},
		{"FailoverClustering/Diagnostic", "Microsoft-Windows-FailoverClustering/Diagnostic"},
	}
	for _, tt := range tests {
		if err := events.CheckChannel(tt.name); err == nil || !strings.HasSuffix(err.Error(), " "+tt.meant) {
			t.Errorf("%q: %v", tt.name, err)
		}
		if err := events.CheckChannel(tt.meant); err != nil {
			t.Errorf("%q: %v", tt.meant, err)
		}
	}
}

func TestChannelError(t *testing.T) {
	cause := errors.New("the cause")
	tests := []struct {
		err  events.ChannelError
		want string
	}{
		{events.ChannelError{Channel: "C", Code: 15007, Text: "nicht gefunden"}, "channel C: the host has no such channel (error 15007)"},
		{events.ChannelError{Channel: "C", Code: 5, Err: cause}, "channel C: this user may not read it (error 5)"},
		{events.ChannelError{Channel: "C", Code: 1234}, "channel C: error 1234"},
		{events.ChannelError{Channel: "C", Code: 1234, Text: "a\r\nb"}, "channel C: error 1234: a b"},
		{events.ChannelError{Channel: "C", Text: "so"}, "channel C: so"},
		{events.ChannelError{Channel: "C", Err: cause}, "channel C: the cause"},
		{events.ChannelError{Channel: "C"}, "channel C: the host gave no reason"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
		if !errors.Is(&tt.err, tt.err.Err) && tt.err.Err != nil {
			t.Errorf("%v does not wrap its cause", &tt.err)
		}
	}
	for _, text := range []string{strings.Repeat("ä", 10000), "a" + strings.Repeat("ä", 200), strings.Repeat(" ", 5000) + "x", strings.Repeat("\xff", 3000)} {
		got := (&events.ChannelError{Channel: "C", Text: text}).Error()
		if len(got) > 300 || !strings.HasSuffix(got, "...") || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("%d octets of text make %d: %q", len(text), len(got), got)
		}
	}
}
