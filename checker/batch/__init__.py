"""Archives of calls: read as a stream, checked on all cores, judged as records, summed up in a report.

``records`` reads archives and hashes customer numbers, ``work`` turns raw calls into rows (here and
on Spark), ``run`` does so with many processes and survives being killed, ``policy`` judges
the records of many calls with Polars, ``summary`` draws the report. The heavy libraries (pyarrow,
Polars, pyspark) are imported by these modules only: ``pip install 'huashu[batch]'``.
"""
