package storage

// URLForTest is the database's URL.
func (s *Store) URLForTest() string { return s.pool.Config().ConnString() }
