package events

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// DefaultChannels returns the channels that tell of migrations (facts/event-log.md §1.1).
func DefaultChannels() []string {
	return []string{
		"Microsoft-Windows-Hyper-V-VMMS-Admin",
		"Microsoft-Windows-Hyper-V-VMMS-Operational",
		"Microsoft-Windows-Hyper-V-High-Availability-Admin",
		"Microsoft-Windows-Hyper-V-Worker-Admin",
		"Microsoft-Windows-FailoverClustering/Operational",
		"System",
	}
}

// knownChannels are names that are often written otherwise: with a slash where Windows has a hyphen, as the Event Viewer shows them, with
// a hyphen where it has a slash, or without what they begin with (facts/event-log.md §1.1).
func knownChannels() []string {
	return append(DefaultChannels(),
		"Microsoft-Windows-Hyper-V-VMMS-Networking",
		"Microsoft-Windows-Hyper-V-VMMS-Storage",
		"Microsoft-Windows-Hyper-V-VMMS-Analytic",
		"Microsoft-Windows-Hyper-V-High-Availability-Analytic",
		"Microsoft-Windows-Hyper-V-Worker-Operational",
		"Microsoft-Windows-Hyper-V-Worker-Analytic",
		"Microsoft-Windows-Hyper-V-Config-Admin",
		"Microsoft-Windows-Hyper-V-Config-Operational",
		"Microsoft-Windows-Hyper-V-StorageVSP-Admin",
		"Microsoft-Windows-Hyper-V-VmSwitch-Operational",
		"Microsoft-Windows-Hyper-V-Compute-Admin",
		"Microsoft-Windows-Hyper-V-Compute-Operational",
		"Microsoft-Windows-VHDMP-Operational",
		"Microsoft-Windows-FailoverClustering/Diagnostic")
}

// CheckChannel says why a text cannot be the name of a channel; nil if it can. Windows takes names of up to 255 characters. Those that can
// be asked for are made of ASCII letters, digits, blanks and -_./()+,#@, which mean nothing to a command line or to XML: Windows turns
// some characters beyond ASCII into quotes and bars.
//
// A name that people write for a channel of Hyper-V or of the cluster, and that no host has, such as Hyper-V-VMMS/Admin, is refused with
// the one that is meant.
func CheckChannel(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	for _, known := range knownChannels() {
		if !strings.EqualFold(name, known) && channelKey(name) == channelKey(known) {
			return errors.New("no host has a channel of this name; it is called " + known)
		}
	}
	return nil
}

// channelKey is what the spellings of a channel have in common.
func channelKey(name string) string {
	key := strings.ReplaceAll(strings.ToLower(name), "/", "-")
	return strings.TrimPrefix(key, "microsoft-windows-")
}

// checkName says why name can be neither a channel nor a provider.
func checkName(name string) error {
	const most = 255
	switch {
	case name == "":
		return errors.New("the name is empty")
	case len(name) > most:
		return fmt.Errorf("the name is longer than %d characters", most)
	}
	for _, r := range name {
		if !nameCharacter(r) {
			return fmt.Errorf("the name holds %q, which cannot be asked for", r)
		}
	}
	// A program reads -x and /x as an option, in quotes too.
	if strings.ContainsRune(" -/", rune(name[0])) || strings.HasSuffix(name, " ") {
		return errors.New("the name begins or ends with a blank, or begins with a hyphen or a slash")
	}
	return nil
}

func nameCharacter(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return true
	}
	return strings.ContainsRune(" -_./()+,#@", r)
}

// Win32 errors of a channel that callers tell apart (facts/event-log.md §3).
const (
	codeDenied          = 5
	codeChannelNotFound = 15007
)

// NotFound reports whether the host has no such channel.
func (e *ChannelError) NotFound() bool { return e.Code == codeChannelNotFound }

// Denied reports whether the user may not read the channel.
func (e *ChannelError) Denied() bool { return e.Code == codeDenied }

// reason says why, in words. What the host wrote is told only where its number says nothing.
func (e *ChannelError) reason() string {
	_, meaning := codeName(e.Code)
	switch {
	case meaning != "":
		return fmt.Sprintf("%s (error %d)", meaning, e.Code)
	case e.Code != 0 && e.Text != "":
		return fmt.Sprintf("error %d: %s", e.Code, excerpt(e.Text))
	case e.Code != 0:
		return fmt.Sprintf("error %d", e.Code)
	case e.Text != "":
		return excerpt(e.Text)
	case e.Err != nil:
		return e.Err.Error()
	}
	return "the host gave no reason"
}

// excerpt returns the beginning of a host's text, in one line.
func excerpt(text string) string {
	const most = 256 // octets
	cut := text[:min(len(text), 4*most)]
	cut = strings.Join(strings.Fields(cut), " ")
	if len(cut) <= most && len(text) <= 4*most {
		return cut
	}
	cut = cut[:min(len(cut), most)]
	for len(cut) > 0 && !utf8.ValidString(cut[len(cut)-min(len(cut), utf8.UTFMax):]) {
		cut = cut[:len(cut)-1] // in the middle of a character
	}
	return cut + "..."
}
