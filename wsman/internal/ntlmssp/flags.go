package ntlmssp

import "strings"

// flags are the NegotiateFlags of every message (2.2.2.5).
type flags uint32

const (
	flagUnicode          flags = 1 << 0
	flagOEM              flags = 1 << 1
	flagRequestTarget    flags = 1 << 2
	flagSign             flags = 1 << 4
	flagSeal             flags = 1 << 5
	flagNTLM             flags = 1 << 9
	flagAlwaysSign       flags = 1 << 15
	flagTargetTypeDomain flags = 1 << 16
	flagTargetTypeServer flags = 1 << 17
	flagExtendedSession  flags = 1 << 19
	flagTargetInfo       flags = 1 << 23
	flagVersion          flags = 1 << 25
	flag128              flags = 1 << 29
	flagKeyExch          flags = 1 << 30
	flag56               flags = 1 << 31
)

const (
	// sealing is what no message may lack, but for what a [Server] forgoes: without it a session signs or seals weakly, or not
	// at all.
	sealing = flagUnicode | flagSign | flagSeal | flagKeyExch | flagExtendedSession | flag128
	// offered is what both sides support. Some servers send no target info unless REQUEST_TARGET asks for a target.
	offered = sealing | flagRequestTarget | flagNTLM | flagAlwaysSign | flagTargetInfo | flagVersion | flag56
)

// A FlagsError says that a peer's message lacks flags without which its session would not be safe.
type FlagsError struct {
	// Message is NEGOTIATE, CHALLENGE or AUTHENTICATE.
	Message string
	// Missing holds the names of the flags in MS-NLMP 2.2.2.5, in the order of their bits.
	Missing []string
}

// Error names the flags.
func (e *FlagsError) Error() string { return e.Message + " lacks " + strings.Join(e.Missing, ", ") }

// require returns a [*FlagsError] if got lacks one of want.
func require(message string, got, want flags) error {
	names := []struct {
		flag flags
		name string
	}{
		{flagUnicode, "NTLMSSP_NEGOTIATE_UNICODE"},
		{flagOEM, "NTLMSSP_NEGOTIATE_OEM"},
		{flagSign, "NTLMSSP_NEGOTIATE_SIGN"},
		{flagSeal, "NTLMSSP_NEGOTIATE_SEAL"},
		{flagExtendedSession, "NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY"},
		{flagTargetInfo, "NTLMSSP_NEGOTIATE_TARGET_INFO"},
		{flag128, "NTLMSSP_NEGOTIATE_128"},
		{flagKeyExch, "NTLMSSP_NEGOTIATE_KEY_EXCH"},
	}
	var missing []string
	for _, n := range names {
		if want&^got&n.flag != 0 {
			missing = append(missing, n.name)
		}
	}
	if missing == nil {
		return nil
	}
	return &FlagsError{Message: message, Missing: missing}
}
