package krb5

import (
	"fmt"
	"time"

	"github.com/jcmturner/gokrb5/v8/messages"
)

// Codes of [Error] that this module tells apart (RFC 4120 §7.5.9).
const (
	CodeAccountExpired  int32 = 1
	CodeClientUnknown   int32 = 6
	CodeServerUnknown   int32 = 7
	CodePolicy          int32 = 12
	CodeETypeUnknown    int32 = 14
	CodeClientRevoked   int32 = 18
	CodeKeyExpired      int32 = 23
	CodePreauthFailed   int32 = 24
	CodePreauthRequired int32 = 25
	CodeUserToUser      int32 = 27
	CodeUnavailable     int32 = 29
	CodeBadIntegrity    int32 = 31
	CodeTicketExpired   int32 = 32
	CodeTicketNotYet    int32 = 33
	CodeNotUs           int32 = 35
	CodeBadMatch        int32 = 36
	CodeSkew            int32 = 37
	CodeModified        int32 = 41
	CodeBadKeyVersion   int32 = 44
	CodeNoKey           int32 = 45
	CodeGeneric         int32 = 60
	CodeWrongRealm      int32 = 68
)

// symbol returns the name that RFC 4120 §7.5.9 gives a code, "" for a rare one.
func symbol(code int32) string {
	switch code {
	case CodeAccountExpired:
		return "KDC_ERR_NAME_EXP"
	case CodeClientUnknown:
		return "KDC_ERR_C_PRINCIPAL_UNKNOWN"
	case CodeServerUnknown:
		return "KDC_ERR_S_PRINCIPAL_UNKNOWN"
	case CodePolicy:
		return "KDC_ERR_POLICY"
	case CodeETypeUnknown:
		return "KDC_ERR_ETYPE_NOSUPP"
	case CodeClientRevoked:
		return "KDC_ERR_CLIENT_REVOKED"
	case CodeKeyExpired:
		return "KDC_ERR_KEY_EXPIRED"
	case CodePreauthFailed:
		return "KDC_ERR_PREAUTH_FAILED"
	case CodePreauthRequired:
		return "KDC_ERR_PREAUTH_REQUIRED"
	case CodeUserToUser:
		return "KDC_ERR_MUST_USE_USER2USER"
	case CodeUnavailable:
		return "KDC_ERR_SVC_UNAVAILABLE"
	case CodeBadIntegrity:
		return "KRB_AP_ERR_BAD_INTEGRITY"
	case CodeTicketExpired:
		return "KRB_AP_ERR_TKT_EXPIRED"
	case CodeTicketNotYet:
		return "KRB_AP_ERR_TKT_NYV"
	case CodeNotUs:
		return "KRB_AP_ERR_NOT_US"
	case CodeBadMatch:
		return "KRB_AP_ERR_BADMATCH"
	case CodeSkew:
		return "KRB_AP_ERR_SKEW"
	case CodeModified:
		return "KRB_AP_ERR_MODIFIED"
	case CodeBadKeyVersion:
		return "KRB_AP_ERR_BADKEYVER"
	case CodeNoKey:
		return "KRB_AP_ERR_NOKEY"
	case CodeGeneric:
		return "KRB_ERR_GENERIC"
	case CodeWrongRealm:
		return "KDC_ERR_WRONG_REALM"
	default:
		return ""
	}
}

// An Error is a KRB-ERROR: what a KDC or a service says when it refuses (RFC 4120 §5.9.1). Nothing in it is authenticated.
type Error struct {
	// Code is one of the Code constants, or another of RFC 4120 §7.5.9.
	Code int32
	// Text is what the peer adds in words; often empty.
	Text string
	// Realm and Server name who refused.
	Realm  string
	Server Principal
	// ServerTime is the peer's clock.
	ServerTime time.Time
	// EData is more of it, in a form that depends on Code.
	EData []byte
}

// Error names the code, such as "KRB_AP_ERR_SKEW (37)", and adds the peer's text in quotation marks.
func (e *Error) Error() string {
	name := symbol(e.Code)
	if name == "" {
		name = "KRB-ERROR"
	}
	if e.Text == "" {
		return fmt.Sprintf("%s (%d)", name, e.Code)
	}
	return fmt.Sprintf("%s (%d): %q", name, e.Code, e.Text)
}

// DecodeError reads a KRB-ERROR. The error says that b is none.
func DecodeError(b []byte) (*Error, error) {
	var m messages.KRBError
	if err := unmarshal(b, tagError, &m); err != nil {
		return nil, fmt.Errorf("KRB-ERROR: %w", err)
	}
	if m.MsgType != tagError {
		return nil, fmt.Errorf("KRB-ERROR: message type %d", m.MsgType)
	}
	server := principal(m.SName, m.Realm)
	return &Error{Code: m.ErrorCode, Text: m.EText, Realm: m.Realm, Server: server, ServerTime: instant(m.STime, m.Susec), EData: m.EData}, nil
}

// instant joins a time in whole seconds and its microseconds, which a peer may have chosen out of their range.
func instant(t time.Time, micro int) time.Time {
	return t.Add(time.Duration(min(max(micro, 0), 999_999)) * time.Microsecond)
}

// encode writes e as a KRB-ERROR.
func (e *Error) encode() ([]byte, error) {
	return marshal(tagError, messages.KRBError{
		PVNO: versionNumber, MsgType: tagError,
		STime: e.ServerTime.UTC().Truncate(time.Second), Susec: e.ServerTime.Nanosecond() / 1000,
		ErrorCode: e.Code, Realm: e.Realm, SName: principalName(e.Server), EText: e.Text, EData: e.EData,
	})
}
