package watch_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hvmigerr/hvmigerr/invoke"
	"github.com/hvmigerr/hvmigerr/invoke/watch"
	"github.com/hvmigerr/hvmigerr/wsman"
)

// An event is recorded with the evidence of its job, and diagnosed from the journal when the host has long forgotten it.
func ExampleJournal() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	name := filepath.Join(dir, "watch.jsonl")

	journal, err := watch.OpenJournal(name)
	if err != nil {
		fmt.Println(err)
		return
	}
	type event struct {
		ID       string          `json:"id"`
		Evidence *watch.Evidence `json:"evidence"`
	}
	job := invoke.DecodeMigrationJob(&wsman.Instance{Name: "Msvm_MigrationJob", Properties: []wsman.Property{
		{Name: "InstanceID", Text: "4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B"},
		{Name: "ErrorSummaryDescription", Text: "The destination has too little memory."},
	}})
	line, err := json.Marshal(event{"hv01/4E0B97D1/failed", watch.NewEvidence(&invoke.Diagnosis{Job: job})})
	if err == nil {
		err = journal.Append("hv01/4E0B97D1/failed", line)
	}
	if err == nil {
		err = journal.Append("hv01/4E0B97D1/failed", line) // does nothing
	}
	if err == nil {
		err = journal.Close()
	}
	if err != nil {
		fmt.Println(err)
		return
	}

	file, err := os.Open(name)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = file.Close() }()
	for line, err := range watch.ReadJournal(file) {
		var e event
		if err == nil {
			err = json.Unmarshal(line, &e)
		}
		var d *invoke.Diagnosis
		if err == nil {
			d, err = e.Evidence.Diagnosis()
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(d.Job.ID(), d.Parts[0])
	}
	// Output: 4E0B97D1-C6A2-4F58-B1E7-38D5F90C2A6B The destination has too little memory.
}
