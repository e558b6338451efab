package spnego

import "errors"

// An Initiator offers one mechanism. It implements sealed.Handshake.
type Initiator struct {
	negotiation
	// closing tells that ours was the last word, after which some acceptors still say that they are done, and others nothing.
	closing bool
}

// NewInitiator returns an Initiator that offers m, and nothing else, under the first of its names.
func NewInitiator(m Mechanism) *Initiator {
	return &Initiator{negotiation: negotiation{mech: m}}
}

// Step takes the acceptor's token, nil at first. The first token it returns holds the mechanism's first. Errors are
// [*RejectError] and [*MechanismError] and those of the mechanism, all wrapped.
func (i *Initiator) Step(token []byte) ([]byte, error) {
	if i.closing {
		i.closing = false
		if t, err := decodeResp(token); err == nil && t.closes() {
			return nil, nil
		}
	}
	return i.run(i.step, token)
}

func (i *Initiator) step(token []byte) ([]byte, error) {
	if i.stage == stageFirst {
		if token != nil {
			return nil, errors.New("a token before the first")
		}
		return i.offer()
	}
	t, err := decodeResp(token)
	if err != nil {
		return nil, err
	}
	if t.state == stateReject {
		return nil, i.rejected(t.responseToken)
	}
	return i.answer(t)
}

// offer returns the first token.
func (i *Initiator) offer() ([]byte, error) {
	i.stage = stageTokens
	mechTypes, err := encodeMechTypes(i.mech.OIDs()[0])
	if err != nil {
		return nil, err
	}
	i.mechTypes = mechTypes
	mechToken, err := i.mech.Step(nil)
	if err != nil {
		return nil, err
	}
	return (&initToken{mechTypes: mechTypes, mechToken: mechToken}).encode()
}

// answer takes a token that does not reject and returns the one to send, nil when the negotiation is complete.
func (i *Initiator) answer(t *respToken) ([]byte, error) {
	// RFC 4178 allows supportedMech in the first answer only, where some leave it out; MS-SPNG 3.3.5 has later ones ignored,
	// yet a name that was not offered is never right.
	if t.supportedMech != nil && !named(i.mech, t.supportedMech) {
		return nil, &MechanismError{Selected: t.supportedMech}
	}
	i.micDue = i.micDue || t.state == stateRequestMIC
	var out []byte
	var err error
	if len(t.responseToken) > 0 {
		if out, err = i.stepMech(t.responseToken); err != nil {
			return nil, err
		}
	}
	if err = i.verify(t.mechListMIC); err != nil {
		return nil, err
	}
	if i.completed(t.state) && len(out) == 0 {
		return nil, i.finish()
	}
	if t.state == stateCompleted {
		return nil, errors.New("the peer says completed, the mechanism is not")
	}
	return i.reply(out)
}

// completed tells whether the peer has nothing more to say: it says so, or leaves the state out where nothing else is left.
func (i *Initiator) completed(state negState) bool {
	return state == stateCompleted || state == stateAbsent && i.micSent && i.micVerified
}

// finish checks that nothing of the mechanism or of the MICs is missing.
func (i *Initiator) finish() error {
	if i.mech.Context() == nil {
		return errors.New("the peer says completed, the mechanism is not")
	}
	// An acceptor that did not ask for ours may leave its own out: nothing but the one mechanism was offered.
	if i.micDue && !i.micVerified {
		return errors.New("the peer asked for mechListMIC and sends none")
	}
	i.stage = stageDone
	return nil
}

// reply returns a token with out, the mechanism's, and with our MIC as soon as the mechanism is complete. If the peer's MIC was
// verified before, ours ends the negotiation.
func (i *Initiator) reply(out []byte) ([]byte, error) {
	t := respToken{state: stateIncomplete, responseToken: out}
	if i.mech.Context() != nil && !i.micSent {
		mic, err := i.sign()
		if err != nil {
			return nil, err
		}
		t.mechListMIC = mic
		if i.micVerified && len(out) == 0 {
			t.state, i.stage, i.closing = stateCompleted, stageDone, true
		}
	}
	if len(t.responseToken) == 0 && len(t.mechListMIC) == 0 {
		return nil, errors.New("the peer waits and nothing is left to send")
	}
	return t.encode()
}
