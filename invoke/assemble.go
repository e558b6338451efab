package invoke

// Assemble returns what [Ask] returns, from a job and answers that are there already: it asks nobody. Of a job that the host had forgotten,
// and of which nothing but the InstanceID is known, it does not find out whether it ever was.
func Assemble(job *MigrationJob, answers []*Answer) (*Diagnosis, error) {
	d := &Diagnosis{Job: job, Answers: answers, VM: job.VMName()}
	for _, a := range answers {
		d.Expired = notFound(a.Err) // the last decides, as in ask
	}
	d.merge()
	d.nameVM()
	return d, d.err()
}
