"""Lists the programs: python -m launch"""

from launch.cli.programs import programs


def main() -> None:
    print("Programs, each run as python -m launch.NAME; --help prints its flags.\n")
    for name, summary in programs().items():
        print(f"  {name:<12}{summary}")
    print(
        "\nA first run: python -m launch.train --dataset=digits --arch=mlp"
        " --regularization=dropout=0.5"
    )


if __name__ == "__main__":
    main()
