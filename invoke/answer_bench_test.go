package invoke_test

import (
	"context"
	"io/fs"
	"testing"

	"github.com/beevik/etree"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/testdata"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// Both benchmarks read the same GetErrorEx answer of three errors. The first is the whole way from the SOAP answer to
// typed errors; the second is what etree alone needs to parse the same two layers of XML. Their ratio is to stay at or below 1.15.

func BenchmarkAnswerTyped(b *testing.B) {
	body := answerBody(b)
	c := answerer{body}
	for b.Loop() {
		a, err := invoke.GetErrorEx(b.Context(), c, jobID)
		if err != nil || len(a.Errors) != 3 || a.Errors[2].Error == nil {
			b.Fatal(a, err)
		}
	}
}

func BenchmarkAnswerEtree(b *testing.B) {
	body := answerBody(b)
	for b.Loop() {
		soap := etree.NewDocument()
		if err := soap.ReadFromBytes(body); err != nil {
			b.Fatal(err)
		}
		output := soap.Root().SelectElement("Body").ChildElements()[0]
		for _, e := range output.SelectElements("Errors") {
			if err := etree.NewDocument().ReadFromString(e.Text()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func answerBody(b *testing.B) []byte {
	b.Helper()
	body, err := fs.ReadFile(testdata.FS, "exchange/geterrorex_three/response.xml")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(body)))
	return body
}

// An answerer is an Invoker that decodes the same answer each time.
type answerer struct{ body []byte }

func (a answerer) Invoke(context.Context, *wsman.InvokeRequest) (*wsman.InvokeResponse, error) {
	env, err := wsman.DecodeEnvelope(a.body)
	if err != nil {
		return nil, err
	}
	return &wsman.InvokeResponse{Output: env.Body[0]}, nil
}
