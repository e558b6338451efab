package spnego

import (
	"bytes"
	"errors"
)

// An Acceptor takes one of several mechanisms. It implements sealed.Handshake.
type Acceptor struct {
	negotiation
	mechs []Mechanism
}

// NewAcceptor returns an Acceptor for mechs. The initiator's order decides which it takes.
func NewAcceptor(mechs ...Mechanism) *Acceptor {
	return &Acceptor{mechs: mechs}
}

// Step takes the initiator's token and returns the answer, nil when the initiator had the last word. Errors are
// [*RejectError] and [*MechanismError] and those of the mechanism, all wrapped.
func (a *Acceptor) Step(token []byte) ([]byte, error) { return a.run(a.step, token) }

func (a *Acceptor) step(token []byte) ([]byte, error) {
	if a.stage == stageFirst {
		a.stage = stageTokens
		t, err := decodeInit(token)
		if err != nil {
			return nil, err
		}
		return a.choose(t)
	}
	t, err := decodeResp(token)
	if err != nil {
		return nil, err
	}
	if t.state == stateReject {
		return nil, a.rejected(t.responseToken)
	}
	return a.answer(&respToken{}, t.responseToken, t.mechListMIC)
}

// choose takes the first mechanism of the initiator's list that is one of ours. The token in t is for the first of the list:
// when another is taken it is dropped, and the MICs are due (RFC 4178 §5).
func (a *Acceptor) choose(t *initToken) ([]byte, error) {
	first := true
	for oid, ok := range t.mechs {
		if !ok {
			return nil, errMalformed
		}
		for _, m := range a.mechs {
			if !named(m, oid) {
				continue
			}
			a.mech, a.mechTypes = m, bytes.Clone(t.mechTypes)
			out := respToken{supportedMech: oid}
			if first && len(t.mechToken) > 0 {
				return a.answer(&out, t.mechToken, t.mechListMIC)
			}
			out.state, a.micDue = stateIncomplete, !first
			if a.micDue {
				out.state = stateRequestMIC
			}
			return out.encode()
		}
		first = false
	}
	return nil, &MechanismError{}
}

// answer completes out, the answer to a token that holds the mechanism's token and a MIC, either of which may be empty.
func (a *Acceptor) answer(out *respToken, mechToken, mic []byte) (_ []byte, err error) {
	if len(mechToken) > 0 {
		if out.responseToken, err = a.stepMech(mechToken); err != nil {
			return nil, err
		}
	} else if len(mic) == 0 {
		return nil, errors.New("neither a mechanism's token nor a mechListMIC")
	}
	if err = a.verify(mic); err != nil {
		return nil, err
	}
	out.state = stateIncomplete
	if a.mech.Context() == nil {
		return out.encode()
	}
	if a.micDue && !a.micVerified && len(out.responseToken) == 0 {
		return nil, errors.New("mechListMIC is due and not sent")
	}
	if a.micSent {
		// The initiator's MIC came after ours: the last word was its own, and MIT's initiator takes no other.
		a.stage = stageDone
		return nil, nil
	}
	if a.micDue || a.micVerified {
		if out.mechListMIC, err = a.sign(); err != nil {
			return nil, err
		}
	}
	if !a.micDue || a.micVerified {
		out.state, a.stage = stateCompleted, stageDone
	}
	return out.encode()
}
