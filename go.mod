module itemlens

go 1.26
