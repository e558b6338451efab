package watch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/hvmigerr/hvmigerr/cimerror"
	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// Evidence is what a host sent about a job: the properties of the job, and the answers of its methods, as they came. Kept as JSON, it
// can be decoded at any later time as if it came from the host, by a later version too. Only endpoint references are left out.
// Use [NewEvidence], or decode JSON into the zero value. It is not for changing once it is there.
type Evidence struct {
	vm          string
	job         *wsman.Instance
	answers     []*invoke.Answer
	host        string // of Destination
	destination *Evidence
}

// ErrNoEvidence says that evidence holds no job.
var ErrNoEvidence = errors.New("no job in the evidence")

// NewEvidence returns the evidence of d, and of its Destination. It shares the job and the answers with d.
func NewEvidence(d *invoke.Diagnosis) *Evidence {
	e := &Evidence{vm: d.VM, answers: d.Answers}
	if d.Job != nil {
		e.job = d.Job.Instance
	}
	if d.Destination != nil {
		e.host, e.destination = d.Destination.Host, NewEvidence(d.Destination)
	}
	return e
}

// Diagnosis decodes the evidence. Diagnosis and error are those of [invoke.Ask], with the name of the virtual machine as it was known,
// and with what the destination said joined; but the error is [ErrNoEvidence], and the Diagnosis nil, when there is no job.
//
// Errors of the wire are remade as far as a caller can tell them apart: a [*wsman.Fault] with its codes, the status of a
// [*wsman.HTTPError], [wsman.ErrConnectionLost]. Each says what the one at the time said.
func (e *Evidence) Diagnosis() (*invoke.Diagnosis, error) {
	if e.job == nil {
		return nil, ErrNoEvidence
	}
	d, err := invoke.Assemble(invoke.DecodeMigrationJob(e.job), e.answers)
	if e.vm != "" {
		d.VM = e.vm
	}
	if e.destination == nil {
		return d, err
	}
	if other, _ := e.destination.Diagnosis(); other != nil { // what it lacks is no fault of this host
		d.Join(e.host, other)
	}
	return d, err
}

// The shape of evidence as JSON. Empty values are left out.
type (
	evidenceJSON struct {
		endJSON
		Destination *destinationJSON `json:"destination,omitempty"`
	}
	destinationJSON struct {
		Host string `json:"host"`
		endJSON
	}
	endJSON struct {
		VM      string        `json:"vm,omitempty"`
		Job     *instanceJSON `json:"job"`
		Answers []answerJSON  `json:"answers,omitempty"`
	}
	answerJSON struct {
		Method      string     `json:"method"`
		ReturnValue *uint32    `json:"returnValue"` // null when none came
		State       string     `json:"state"`
		Raw         []string   `json:"raw,omitempty"`
		Error       *errorJSON `json:"error,omitempty"`
	}
)

// states are the words for how an out parameter stood.
func states() []string {
	return []string{wsman.Absent: "absent", wsman.Nil: "nil", wsman.Present: "present"}
}

// MarshalJSON writes the evidence in one line.
func (e *Evidence) MarshalJSON() ([]byte, error) {
	if e == nil {
		return []byte("null"), nil
	}
	v := evidenceJSON{endJSON: e.end()}
	if e.destination != nil {
		v.Destination = &destinationJSON{e.host, e.destination.end()}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // CIM-XML would be twice as long
	err := enc.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// end returns the evidence of one host.
func (e *Evidence) end() endJSON {
	v := endJSON{VM: e.vm, Job: newInstanceJSON(e.job)}
	for _, a := range e.answers {
		told := answerJSON{Method: a.Method, State: states()[a.State], Raw: a.Raw, Error: newErrorJSON(a.Err)}
		if a.Returned {
			told.ReturnValue = new(uint32(a.ReturnValue))
		}
		v.Answers = append(v.Answers, told)
	}
	return v
}

// Limits of evidence that is read: a journal can be changed by whoever may write it. The first is that of an answer of a host, and some.
const (
	maxObjects = 1 << 17
	maxDepth   = 64
	maxAnswers = 16
	maxTexts   = 1 << 16 // of one answer
	maxCodes   = 64      // of one fault
)

// UnmarshalJSON reads what [Evidence.MarshalJSON] wrote. What it could not have written, or no host could have sent, is an error.
func (e *Evidence) UnmarshalJSON(text []byte) error {
	if objects(text) > maxObjects {
		return fmt.Errorf("evidence of more than %d objects", maxObjects)
	}
	var v evidenceJSON
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	read, err := v.evidence()
	if err != nil {
		return err
	}
	if d := v.Destination; d != nil {
		if read.destination, err = d.evidence(); err != nil {
			return err
		}
		if read.host = d.Host; d.Host == "" {
			return errors.New("evidence of a destination without a name")
		}
	}
	*e = *read
	return nil
}

// evidence returns the evidence of one host.
func (v *endJSON) evidence() (*Evidence, error) {
	if len(v.Answers) > maxAnswers {
		return nil, fmt.Errorf("evidence of %d answers", len(v.Answers))
	}
	e := &Evidence{vm: v.VM}
	if v.Job != nil {
		var err error
		if e.job, err = v.Job.instance(); err != nil {
			return nil, err
		}
	}
	for i := range v.Answers {
		a, err := v.Answers[i].answer()
		if err != nil {
			return nil, err
		}
		e.answers = append(e.answers, a)
	}
	return e, nil
}

// objects counts the objects in a JSON text: each costs many times the memory that it has in the text.
func objects(text []byte) int {
	n := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '{':
			n++
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return n
}

// answer decodes the texts of an answer again.
func (v *answerJSON) answer() (*invoke.Answer, error) {
	state := slices.Index(states(), v.State)
	switch {
	case v.Method != invoke.MethodGetErrorEx && v.Method != invoke.MethodGetError:
		return nil, fmt.Errorf("evidence of a method %.64q", v.Method)
	case state < 0:
		return nil, fmt.Errorf("evidence in a state %.64q", v.State)
	case len(v.Raw) > maxTexts:
		return nil, fmt.Errorf("evidence of %d texts in one answer", len(v.Raw))
	}
	a := &invoke.Answer{Method: v.Method, State: wsman.State(state), Raw: v.Raw, Errors: cimerror.DecodeAll(v.Raw)}
	if v.ReturnValue != nil {
		a.Returned, a.ReturnValue = true, invoke.ReturnValue(*v.ReturnValue)
	}
	if v.Error == nil {
		return a, nil
	}
	if f := v.Error.Fault; f != nil && len(f.Codes) > maxCodes {
		return nil, fmt.Errorf("evidence of %d codes in one fault", len(f.Codes))
	}
	a.Err = v.Error.error(a)
	return a, nil
}
