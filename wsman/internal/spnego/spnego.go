package spnego

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/hvmigerr/hvmigerr/wsman/internal/sealed"
)

// A Mechanism is what is negotiated, such as NTLM or Kerberos.
type Mechanism interface {
	sealed.Handshake
	// OIDs returns the mechanism's names. An initiator offers the first; either side takes all of them for the mechanism.
	OIDs() []asn1.ObjectIdentifier
}

// A RejectError says that the peer ended the negotiation.
type RejectError struct {
	// Err is what the mechanism makes of the token that came along, such as Kerberos' error; nil if there was none.
	Err error
}

// Error says that the peer rejected, and why if it told.
func (e *RejectError) Error() string {
	if e.Err == nil {
		return "rejected by the peer"
	}
	return "rejected by the peer: " + e.Err.Error()
}

func (e *RejectError) Unwrap() error { return e.Err }

// A MechanismError says that there is no mechanism in common.
type MechanismError struct {
	// Selected is what the acceptor chose although it was not offered; nil in an acceptor that chose none.
	Selected asn1.ObjectIdentifier
}

// Error names the mechanism.
func (e *MechanismError) Error() string {
	if e.Selected == nil {
		return "no mechanism that is offered is supported"
	}
	return fmt.Sprintf("the peer selected mechanism %v, which was not offered", e.Selected)
}

// errMalformed is what every token gets that does not follow RFC 4178 to the letter.
var errMalformed = errors.New("malformed token")

// A stage is where a handshake stands.
type stage int

const (
	stageFirst  stage = iota // no token yet
	stageTokens              // tokens go back and forth
	stageDone                // complete and verified
	stageFailed              // an error was returned
)

// A negotiation is what initiator and acceptor have in common.
type negotiation struct {
	stage stage
	mech  Mechanism
	// mechTypes is the DER of the initiator's list, which the MICs cover.
	mechTypes []byte
	// micDue tells that RFC 4178 §5 leaves no choice: the acceptor wants the MICs exchanged.
	micDue, micSent, micVerified bool
}

// Context returns the mechanism's context as soon as the negotiation is complete, nil before and after an error.
func (n *negotiation) Context() sealed.Context {
	if n.stage != stageDone {
		return nil
	}
	return n.mech.Context()
}

// run calls step, unless the handshake is over.
func (n *negotiation) run(step func(token []byte) ([]byte, error), token []byte) ([]byte, error) {
	err := errors.New("a token after the end")
	if n.stage < stageDone {
		var out []byte
		if out, err = step(token); err == nil {
			return out, nil
		}
	}
	n.stage = stageFailed
	return nil, fmt.Errorf("SPNEGO: %w", err)
}

// stepMech hands the peer's token to the mechanism.
func (n *negotiation) stepMech(token []byte) ([]byte, error) {
	if n.mech.Context() != nil {
		return nil, errors.New("a token for a mechanism that is complete")
	}
	return n.mech.Step(token)
}

// verify checks the peer's MIC, if mic is one.
func (n *negotiation) verify(mic []byte) error {
	if len(mic) == 0 {
		return nil
	}
	context := n.mech.Context()
	if context == nil {
		return errors.New("a mechListMIC that is not due")
	}
	if err := context.VerifyMIC(n.mechTypes, mic); err != nil {
		return fmt.Errorf("mechListMIC: %w", err)
	}
	n.micVerified = true
	return nil
}

// sign returns our MIC.
func (n *negotiation) sign() ([]byte, error) {
	n.micSent = true
	mic, err := n.mech.Context().MIC(n.mechTypes)
	if err != nil {
		return nil, fmt.Errorf("mechListMIC: %w", err)
	}
	return mic, nil
}

// rejected returns the error for a peer that ended the negotiation, perhaps with a token that says why.
func (n *negotiation) rejected(token []byte) error {
	if len(token) == 0 {
		return &RejectError{}
	}
	_, err := n.stepMech(token)
	return &RejectError{Err: err}
}
