import typer

demonstrating = typer.Typer()
