package transport

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hvmigerr/hvmigerr/wsman"
)

// Values of [AuthError.Mechanism].
const (
	MechanismNTLM     = "NTLM"
	MechanismKerberos = "Kerberos"
)

// An AuthError says that the user was not authenticated by NTLM or Kerberos, so that no envelope was sent.
type AuthError struct {
	// Mechanism is one of the Mechanism constants.
	Mechanism string
	// User is the name as configured, such as CORP\me, or the Kerberos principal; it may be empty.
	User string
	// Refused tells that the host did not take the user, or the KDC the password or key. It is not sent a second time.
	Refused bool
	// Early tells that the host did not take up NTLM at all, so that neither the user's name nor a proof of the password was sent.
	Early bool
	// Proxied tells that the tokens went through a proxy that forwards requests, which may carry them over several connections.
	Proxied bool
	// Skew is how far the clock of the host, or of the KDC, is ahead of ours, as its token or Date header says; zero when it says nothing.
	// Kerberos fails from five minutes on (RFC 4120 §1.6).
	Skew time.Duration
	// Err is the [*wsman.HTTPError] of the host's 401, a [*KDCError], [*KDCUnreachableError], [*CredentialError], or
	// what was wrong with the host's token.
	Err error
	// Reason is what the host's token says beside a 401, nil if nothing.
	Reason error
}

// ErrUnanswered marks the loss of a connection that a password, or the proof of one, had gone out over, when the host had never taken
// it before. It wraps [wsman.ErrConnectionLost] too. All further requests of the Transport end with the same error.
var ErrUnanswered = errors.New("the password, or a proof of it, was sent once, and is not sent again")

// Error says who was refused and what the host offers, or what went wrong.
func (e *AuthError) Error() string {
	of := ""
	if e.User != "" {
		of = " for " + e.User
	}
	h, ok := errors.AsType[*wsman.HTTPError](e.Err)
	if !ok || !e.Refused && !e.Early {
		return fmt.Sprintf("%s%s: %v", e.Mechanism, of, e.Err)
	}
	offered := "nothing"
	if len(h.Challenges) > 0 {
		offered = strings.Join(h.Challenges, ", ")
	}
	msg := fmt.Sprintf("%s refused%s; offered: %s", e.Mechanism, of, offered)
	if e.Reason != nil {
		msg += fmt.Sprintf("; the host says: %v", e.Reason)
	}
	return msg
}

// Unwrap returns Err and Reason.
func (e *AuthError) Unwrap() []error {
	if e.Reason == nil {
		return []error{e.Err}
	}
	return []error{e.Err, e.Reason}
}
