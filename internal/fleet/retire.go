package fleet

// retire lets go of a job, in the background: its visits end meanwhile.
func (w *Worker) retire(name string) {
	st := w.stations[name]
	delete(w.stations, name)
	done := make(chan struct{})
	w.leaving[name] = done
	w.retiring.Go(func() {
		defer close(done)
		if err := st.Close(); err != nil && w.failed(name, err) {
			return
		} else if err != nil {
			w.door.Log.Error("a job's results could not be closed", "job", name, "error", err)
		} else {
			w.settled(name, w.workshop.name)
		}
		w.door.Log.Info("let go of a job", "job", name)
	})
}

// leaves reports whether a job is still being let go of: its results are open.
func (w *Worker) leaves(name string) bool {
	select {
	case <-w.leaving[name]:
		delete(w.leaving, name)
	default:
	}
	return w.leaving[name] != nil
}

// retireAll lets go of all jobs and waits for it.
func (w *Worker) retireAll() {
	for name := range w.stations {
		w.retire(name)
	}
	w.retiring.Wait()
}
